import CVips
import Foundation
import Torch

/// SHA-256 of some bytes as 32 bytes, of which a set may keep a million.
public struct Fingerprint: Hashable, Sendable {
  private let words: (UInt64, UInt64, UInt64, UInt64)

  public init(_ bytes: [UInt8]) {
    let sum = g_checksum_new(G_CHECKSUM_SHA256)!
    defer { g_checksum_free(sum) }
    g_checksum_update(sum, bytes, gssize(bytes.count))
    var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    withUnsafeMutableBytes(of: &words) { out in
      var length = gsize(out.count)
      g_checksum_get_digest(sum, out.baseAddress!.assumingMemoryBound(to: UInt8.self), &length)
    }
    self.words = words
  }

  public static func == (a: Fingerprint, b: Fingerprint) -> Bool { a.words == b.words }
  public func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}

/// SHA-256, as 64 hexadecimal digits.
public enum Digest {
  public static func sha256(_ bytes: [UInt8]) -> String {
    bytes.withUnsafeBytes { buffer in sha256 { add in add(buffer) } }
  }

  public static func sha256(_ text: String) -> String { sha256(Array(text.utf8)) }

  /// Of a file, read a megabyte at a time.
  ///
  /// - Throws: `PictureError.missing`, `.unreadable`.
  public static func sha256(file path: String) throws(PictureError) -> String { try sha256(file: FilePath(path)) }

  /// - Throws: `PictureError.missing`, `.unreadable`.
  public static func sha256(file: FilePath) throws(PictureError) -> String {
    let path = file.shown
    let file = file.withCString { open($0, O_RDONLY | O_CLOEXEC) }
    guard file >= 0 else {
      throw errno == ENOENT ? .missing(name: path) : .unreadable(name: path, why: lastFailure())
    }
    defer { close(file) }
    var failure: String?
    let digest = withUnsafeTemporaryAllocation(byteCount: 1 << 20, alignment: 16) { buffer in
      sha256 { add in
        while true {
          let count = read(file, buffer.baseAddress, buffer.count)
          if count < 0 && errno == EINTR { continue }
          if count < 0 { failure = lastFailure() }
          if count <= 0 { break }
          add(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
      }
    }
    if let failure { throw .unreadable(name: path, why: failure) }
    return digest
  }

  private static func sha256(_ feed: ((UnsafeRawBufferPointer) -> Void) -> Void) -> String {
    let sum = g_checksum_new(G_CHECKSUM_SHA256)!
    defer { g_checksum_free(sum) }
    feed { bytes in
      guard let start = bytes.baseAddress else { return }
      g_checksum_update(sum, start.assumingMemoryBound(to: UInt8.self), gssize(bytes.count))
    }
    return String(cString: g_checksum_get_string(sum))
  }
}
