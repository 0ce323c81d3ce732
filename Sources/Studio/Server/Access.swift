import HTTPTypes
import Hummingbird

/// Who may ask at all, before anybody's cookie is looked at: against other pages in the same browser (CSRF), other
/// names for this machine (DNS rebinding) and forms. shared rules: exact Host and Origin lists, Sec-Fetch-Site, JSON-only writes.
struct Access: Sendable {
  /// As a browser sends them: `127.0.0.1:8080`.
  let hosts: Set<String>
  /// `http://127.0.0.1:8080`.
  let origins: Set<String>

  /// - Parameter names: hosts without a port.
  init(names: [String], port: Int, isSecure: Bool) {
    hosts = Set(names.map { "\($0.lowercased()):\(port)" } + (port == (isSecure ? 443 : 80) ? names : []))
    origins = Set(hosts.map { (isSecure ? "https://" : "http://") + $0 })
  }

  /// What a write must say it is.
  enum Writes: Equatable {
    case json
    /// A file as it is.
    case bytes
  }

  struct Refused: Error, Equatable {
    let status: HTTPResponse.Status
    let sentence: String
  }

  private static let fetchSite = HTTPField.Name("Sec-Fetch-Site")!
  private static let fetchMode = HTTPField.Name("Sec-Fetch-Mode")!
  private static let fetchDestination = HTTPField.Name("Sec-Fetch-Dest")!
  private static let host = HTTPField.Name("Host")!

  /// - Parameter writes: of the route; nil where nothing is known of it.
  /// - Throws: `Refused`.
  func check(_ head: HTTPRequest, writes: Writes?) throws(Refused) {
    let fields = head.headerFields
    // The codec takes the first Host for the authority; a second one would be another's.
    guard let host = head.authority?.lowercased(), hosts.contains(host), fields[values: Access.host].isEmpty else {
      throw Refused(
        status: .misdirectedRequest, sentence: "The studio has another address: open the one that the terminal shows.")
    }
    let origin = fields[values: .origin]
    if !origin.isEmpty {
      guard origin.count == 1, origins.contains(origin[0]) else { throw .otherPage }
    }
    let isReading = head.method == .get || head.method == .head
    let site = fields[values: Access.fetchSite]
    switch site.first {
    case nil, "same-origin": break
    case "none" where isReading: break
    // Somebody else's page may have a link to this one; without its cookie, which is same-site, it gets nothing but a door.
    case "cross-site" where isFrontDoor(head), "same-site" where isFrontDoor(head): break
    default: throw .otherPage
    }
    guard site.count <= 1 else { throw .otherPage }
    guard !isReading else { return }
    guard [.post, .put, .patch, .delete].contains(head.method) else {
      throw Refused(
        status: .methodNotAllowed,
        sentence: "The studio doesn't know the method \(head.method.rawValue.prefix(20)): see /api/openapi.json.")
    }
    // A browser says where a write comes from; what says nothing isn't one.
    guard !origin.isEmpty || site.first == "same-origin" || site.isEmpty else { throw .otherPage }
    let types = fields[values: .contentType]
    let type = types.first?.split(separator: ";").first.map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
    guard types.count == 1, type == (writes == .bytes ? "application/octet-stream" : "application/json") else {
      throw Refused(
        status: .unsupportedMediaType,
        sentence: writes == .bytes
          ? "A file is sent as application/octet-stream: set the Content-Type."
          : "A write is sent as application/json: set the Content-Type.")
    }
  }

  private func isFrontDoor(_ head: HTTPRequest) -> Bool {
    head.method == .get && head.path == "/" && head.headerFields[Access.fetchMode] == "navigate"
      && head.headerFields[Access.fetchDestination] == "document" && head.headerFields[.origin] == nil
  }
}

extension Access.Refused {
  static var otherPage: Access.Refused {
    Access.Refused(status: .forbidden, sentence: "Another page asked for this: open the studio in a tab of its own.")
  }
}
