import Files
import Foundation

/// How the studio is opened.
public struct Configuration: Sendable {
  public var workspace: String
  /// The programs: the command line, and this one.
  public var atelier: String
  public var own: String
  /// 0 for the last one, or any that is free.
  public var port = 0
  /// Jobs at a time.
  public var places = 1
  /// An address other than loopback.
  public var listen: String?
  /// What browsers may call it by, beside the address.
  public var hosts: [String] = []
  /// PEM files; nil makes a certificate.
  public var certificate: String?
  public var key: String?
  public var password: String?

  public init(workspace: String, atelier: String, own: String) {
    (self.workspace, self.atelier, self.own) = (workspace, atelier, own)
  }

  /// Where the studio keeps what is its own: the catalogue, sessions, the certificate.
  var folder: String { workspace + "/studio" }
  var isSecure: Bool { listen != nil }
  var address: String { listen ?? "127.0.0.1" }

  /// - Throws: `OpeningError`.
  func check() throws(OpeningError) {
    guard listen != nil else { return }
    guard let password, password.count >= 8 else { throw .noPassword }
  }
}

/// Why the studio can't be opened.
public enum OpeningError: Refusal, Equatable {
  case noPassword
  case badCertificate(path: String)
  case portTaken(Int)
  case badAddress(String)
  case noProgram(String)

  public var sentence: String {
    switch self {
    case .noPassword:
      "A studio that other machines reach needs a password of 8 characters or more: set ATELIER_PASSWORD, then open it again."
    case .badCertificate(let path):
      "\(path) is no certificate or key that can be used: name PEM files by --certificate and --key, or leave both out."
    case .portTaken(let port): "Port \(port) is taken: name another by --port, or leave it out."
    case .badAddress(let address): "The address \(address) isn't one of this machine: name another by --listen."
    case .noProgram(let path): "The command line isn't at \(path): build Atelier again with ./atelier."
    }
  }
  public var status: Int { 500 }
  public var exitCode: Int32 {
    switch self {
    case .noPassword: 64
    case .badCertificate: 66
    case .portTaken, .badAddress, .noProgram: 69
    }
  }
}
