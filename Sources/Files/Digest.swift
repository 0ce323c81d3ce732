import COpenSSL
import Foundation

/// SHA-256 (FIPS 180-4), by OpenSSL.
public enum Digest {
  /// - Returns: 32 bytes.
  public static func sha256(_ data: some Collection<UInt8>) -> Data {
    let data = Data(data)
    var digest = Data(count: Int(SHA256_DIGEST_LENGTH))
    digest.withUnsafeMutableBytes { out in
      data.withUnsafeBytes { bytes in
        _ = SHA256(
          bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count,
          out.baseAddress?.assumingMemoryBound(to: UInt8.self))
      }
    }
    return digest
  }

  /// - Returns: the first `bytes` bytes of the digest (32 at most), in small hexadecimal digits.
  public static func hexadecimal(_ data: some Collection<UInt8>, bytes: Int = 32) -> String {
    sha256(data).prefix(bytes).map { String(format: "%02x", $0) }.joined()
  }

  /// Whether two digests are equal; takes as long wherever they differ.
  public static func areEqual(_ first: Data, _ second: Data) -> Bool {
    first.count == second.count && zip(first, second).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
