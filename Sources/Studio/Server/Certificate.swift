import Crypto
import Files
import Foundation

/// A certificate made here, for a studio that listens and was given none: browsers warn of it once, and its fingerprint is
/// printed to be compared.
enum Certificate {
  /// PEM files in `folder`, made where they aren't there or are for other names.
  ///
  /// - Throws: `FileTrouble`.
  static func made(in folder: String, names: [String]) throws -> (chain: String, key: String) {
    let (chain, key, list) = (folder + "/certificate.pem", folder + "/key.pem", folder + "/certificate-names.json")
    if FileManager.default.value([String].self, at: list) == names, access(chain, R_OK) == 0, access(key, R_OK) == 0 {
      return (chain, key)
    }
    let secret = P256.Signing.PrivateKey()
    let der = try certificate(for: names, secret)
    try AtomicFile.write(Data(secret.pemRepresentation.utf8), to: key, mode: 0o600)
    let lines = der.base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
    try AtomicFile.write(
      Data("-----BEGIN CERTIFICATE-----\n\(lines)\n-----END CERTIFICATE-----\n".utf8), to: chain)
    try AtomicFile.write(names, to: list)
    return (chain, key)
  }

  /// The SHA-256 of a PEM file's first certificate, in pairs of digits.
  static func fingerprint(_ path: String) -> String? {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8),
      let start = text.range(of: "-----BEGIN CERTIFICATE-----"), let end = text.range(of: "-----END CERTIFICATE-----"),
      start.upperBound < end.lowerBound,
      let der = Data(base64Encoded: String(text[start.upperBound..<end.lowerBound]), options: .ignoreUnknownCharacters)
    else { return nil }
    return SHA256.hash(data: der).map { String(format: "%02X", $0) }.joined(separator: ":")
  }

  // MARK: X.509 (RFC 5280, section 4.1), signed by its own key (ECDSA with SHA-256, RFC 5758)

  private static func certificate(for names: [String], _ key: P256.Signing.PrivateKey) throws -> Data {
    let ecdsaWithSHA256 = sequence(oid([0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02]))
    let name = sequence(tagged(0x31, sequence(oid([0x55, 0x04, 0x03]) + tagged(0x0C, Data("Atelier studio".utf8)))))
    let year = 366.0 * 86400
    let validity = sequence(time(Date() - 86400) + time(Date() + 2 * year))
    let alternatives = sequence(names.reduce(Data()) { $0 + alternative($1) })
    // basicConstraints (no authority), extendedKeyUsage (a server's), subjectAltName.
    let extensions = [
      sequence(oid([0x55, 0x1D, 0x13]) + tagged(0x01, Data([0xFF])) + tagged(0x04, sequence(Data()))),
      sequence(
        oid([0x55, 0x1D, 0x25]) + tagged(0x04, sequence(oid([0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01])))),
      sequence(oid([0x55, 0x1D, 0x11]) + tagged(0x04, alternatives)),
    ]
    var serial = Data((0..<15).map { _ in UInt8.random(in: 0...255) })
    serial.insert(0x01, at: 0)
    let body = sequence(
      tagged(0xA0, tagged(0x02, Data([2]))) + tagged(0x02, serial) + ecdsaWithSHA256 + name + validity + name
        + key.publicKey.derRepresentation + tagged(0xA3, sequence(extensions.reduce(Data(), +))))
    let signature = try key.signature(for: body).derRepresentation
    return sequence(body + ecdsaWithSHA256 + tagged(0x03, Data([0]) + signature))
  }

  private static func tagged(_ tag: UInt8, _ body: Data) -> Data {
    var length: [UInt8] = []
    var rest = body.count
    if rest < 128 { return Data([tag, UInt8(rest)]) + body }
    while rest > 0 {
      length.insert(UInt8(rest & 255), at: 0)
      rest >>= 8
    }
    return Data([tag, 0x80 | UInt8(length.count)] + length) + body
  }
  private static func sequence(_ body: Data) -> Data { tagged(0x30, body) }
  private static func oid(_ bytes: [UInt8]) -> Data { tagged(0x06, Data(bytes)) }

  private static func time(_ date: Date) -> Data {
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.timeZone = TimeZone(identifier: "UTC")
    format.dateFormat = "yyMMddHHmmss'Z'"
    return tagged(0x17, Data(format.string(from: date).utf8))
  }

  /// An address (iPAddress) or a name (dNSName).
  private static func alternative(_ name: String) -> Data {
    var four = in_addr(), six = in6_addr()
    if inet_pton(AF_INET, name, &four) == 1 { return tagged(0x87, withUnsafeBytes(of: &four) { Data($0) }) }
    let bare = name.trimmingCharacters(in: ["[", "]"])
    if inet_pton(AF_INET6, bare, &six) == 1 { return tagged(0x87, withUnsafeBytes(of: &six) { Data($0) }) }
    return tagged(0x82, Data(name.utf8))
  }
}
