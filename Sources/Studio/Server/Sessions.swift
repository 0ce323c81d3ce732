import Files
import Foundation

/// Who is let in: one-time tokens that the terminal shows, the password of a studio that listens, and the sessions of browsers
/// that came in by one of them.
///
/// Only digests are kept, in files that only the owner can read, so that a tab is still let in after the studio was opened anew.
actor Sessions {
  private struct Kept: Codable {
    var sessions: [String: Date] = [:]
  }

  private let folder: String
  private let password: Data?
  private var kept: Kept
  private var failures = 0
  private var nextTry = Date.distantPast

  /// Days that a session lasts.
  static let days = 30.0

  init(folder: String, password: String?) throws {
    self.folder = folder
    self.password = password.map { Digest.sha256($0.utf8) }
    try AtomicFile.makeFolder(folder + "/tokens", mode: 0o700)
    kept = FileManager.default.value(Kept.self, at: folder + "/sessions.json") ?? Kept()
  }

  /// A token for one browser, once. Another process of the same user may make one, too.
  ///
  /// - Throws: `FileTrouble`.
  static func newToken(folder: String) throws -> String {
    let token = secret()
    try AtomicFile.makeFolder(folder + "/tokens", mode: 0o700)
    try AtomicFile.write(Data(), to: "\(folder)/tokens/\(digest(token))", mode: 0o600)
    return token
  }

  /// - Returns: a new session for a token that wasn't used yet.
  func open(token: String) throws -> String? {
    // A token's file can be removed once only.
    guard token.count < 100, unlink("\(folder)/tokens/\(Sessions.digest(token))") == 0 else { return nil }
    return try begin()
  }

  enum Entry: Equatable {
    case session(String)
    case wrong
    /// Too soon after a wrong one, which makes guessing slow.
    case wait(seconds: Int)
  }

  func open(password word: String) throws -> Entry {
    guard let password else { return .wrong }
    let wait = nextTry.timeIntervalSinceNow
    guard wait <= 0 else { return .wait(seconds: Int(wait.rounded(.up))) }
    guard Digest.areEqual(Digest.sha256(word.utf8), password) else {
      failures += 1
      nextTry = Date() + min(60, pow(2, Double(failures - 1)))
      return .wrong
    }
    failures = 0
    return .session(try begin())
  }

  func has(_ session: String) -> Bool {
    guard let begun = kept.sessions[Sessions.digest(session)] else { return false }
    return begun.timeIntervalSinceNow > -Sessions.days * 86400
  }

  /// - Throws: `FileTrouble`.
  func end(_ session: String) throws {
    kept.sessions[Sessions.digest(session)] = nil
    try write()
  }

  private func begin() throws -> String {
    let session = Sessions.secret()
    kept.sessions = kept.sessions.filter { $0.value.timeIntervalSinceNow > -Sessions.days * 86400 }
    kept.sessions[Sessions.digest(session)] = Date()
    try write()
    return session
  }

  private func write() throws { try AtomicFile.write(kept, to: folder + "/sessions.json", mode: 0o600) }

  /// 256 bits.
  private static func secret() -> String {
    var generator = SystemRandomNumberGenerator()
    return (0..<4).map { _ in String(format: "%016lx", generator.next() as UInt64) }.joined()
  }
  private static func digest(_ secret: String) -> String {
    Digest.hexadecimal(secret.utf8)
  }
}
