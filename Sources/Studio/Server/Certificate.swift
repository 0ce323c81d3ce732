import COpenSSL
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
    guard let pair = pair(for: names) else {
      throw FileTrouble.failed(path: chain, reason: "OpenSSL makes no certificate for \(names.joined(separator: ", "))")
    }
    try AtomicFile.write(pair.key, to: key, mode: 0o600)
    try AtomicFile.write(pair.certificate, to: chain)
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
    return Digest.sha256(der).map { String(format: "%02X", $0) }.joined(separator: ":")
  }

  /// A key on the curve P-256 and a certificate of two years that it signs itself (RFC 5280, section 4.1), both as PEM; nil where a
  /// name is none.
  private static func pair(for names: [String]) -> (certificate: Data, key: Data)? {
    guard let maker = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nil) else { return nil }
    defer { EVP_PKEY_CTX_free(maker) }
    var key: OpaquePointer?
    guard EVP_PKEY_keygen_init(maker) == 1,
      EVP_PKEY_CTX_set_ec_paramgen_curve_nid(maker, NID_X9_62_prime256v1) == 1, EVP_PKEY_generate(maker, &key) == 1,
      let certificate = X509_new()
    else { return nil }
    defer {
      EVP_PKEY_free(key)
      X509_free(certificate)
    }
    let (day, name) = (86400, X509_get_subject_name(certificate))
    guard X509_set_version(certificate, 2) == 1,
      ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), .random(in: 1 ... .max)) == 1,
      X509_gmtime_adj(X509_getm_notBefore(certificate), -day) != nil,
      X509_gmtime_adj(X509_getm_notAfter(certificate), 2 * 366 * day) != nil,
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, "Atelier studio", -1, -1, 0) == 1,
      X509_set_issuer_name(certificate, name) == 1, X509_set_pubkey(certificate, key) == 1,
      add(NID_basic_constraints, "CA:FALSE", to: certificate), add(NID_ext_key_usage, "serverAuth", to: certificate),
      add(NID_subject_alt_name, names.map(alternative).joined(separator: ","), to: certificate),
      X509_sign(certificate, key, EVP_sha256()) > 0,
      let first = text({ PEM_write_bio_X509($0, certificate) }),
      let second = text({ PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) })
    else { return nil }
    return (first, second)
  }

  private static func add(_ kind: Int32, _ value: String, to certificate: OpaquePointer) -> Bool {
    guard let part = X509V3_EXT_conf_nid(nil, nil, kind, value) else { return false }
    defer { X509_EXTENSION_free(part) }
    return X509_add_ext(certificate, part, -1) == 1
  }

  /// What `write` writes.
  private static func text(_ write: (OpaquePointer) -> Int32) -> Data? {
    guard let memory = BIO_new(BIO_s_mem()) else { return nil }
    defer { BIO_free(memory) }
    guard write(memory) == 1 else { return nil }
    var bytes = Data(count: BIO_ctrl_pending(memory))
    let count = bytes.withUnsafeMutableBytes { BIO_read(memory, $0.baseAddress, Int32($0.count)) }
    return Int(count) == bytes.count ? bytes : nil
  }

  /// An address (iPAddress) or a name (dNSName), as OpenSSL's settings write them.
  private static func alternative(_ name: String) -> String {
    let bare = name.trimmingCharacters(in: ["[", "]"])
    var four = in_addr(), six = in6_addr()
    return inet_pton(AF_INET, bare, &four) == 1 || inet_pton(AF_INET6, bare, &six) == 1 ? "IP:" + bare : "DNS:" + name
  }
}
