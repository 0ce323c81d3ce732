import Foundation

/// A client that sends exactly what it is told, as no browser and no library would.
public struct RawHTTP: Sendable {
  public struct Answer: Sendable {
    public let status: Int
    /// In lower case.
    public let fields: [String: String]
    public let body: Data
    public var text: String { String(decoding: body, as: UTF8.self) }
    public var json: Any? { try? JSONSerialization.jsonObject(with: body) }
  }

  public let port: Int
  public var cookie: String?

  public init(port: Int, cookie: String? = nil) { (self.port, self.cookie) = (port, cookie) }

  /// - Parameters:
  ///   - fields: replace the usual ones; nil leaves one out.
  public func send(
    _ method: String, _ path: String, _ fields: [(String, String?)] = [], body: Data = Data(), seconds: Int = 20
  ) throws -> Answer {
    var all: [(String, String?)] = [("Host", "127.0.0.1:\(port)"), ("Connection", "close"), ("Cookie", cookie)]
    if method != "GET" {
      all += [("Content-Type", "application/json"), ("Content-Length", "\(body.count)")]
    }
    for (name, value) in fields {
      all.removeAll { $0.0 == name }
      all.append((name, value))
    }
    // A field that is given twice stands twice.
    for (place, field) in fields.enumerated() where fields[..<place].contains(where: { $0.0 == field.0 }) {
      all.append(fields[0])
    }
    let head =
      "\(method) \(path) HTTP/1.1\r\n" + all.compactMap { name, value in value.map { "\(name): \($0)\r\n" } }.joined()
      + "\r\n"
    return try exchange(Data(head.utf8) + body, seconds: seconds)
  }

  public func post(_ path: String, _ json: String, _ fields: [(String, String?)] = []) throws -> Answer {
    try send("POST", path, fields, body: Data(json.utf8))
  }

  public struct Trouble: Error {
    public let reason: String
    public init(reason: String) { self.reason = reason }
  }

  /// Sends bytes, and reads until the other side closes.
  public func exchange(_ bytes: Data, seconds: Int = 20) throws -> Answer {
    let all = try read(connected(seconds), bytes)
    guard let end = all.range(of: Data("\r\n\r\n".utf8)) else { throw Trouble(reason: "no head in \(all.count) bytes") }
    let lines = String(decoding: all[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
    let fields = lines.dropFirst().compactMap { line -> (String, String)? in
      let parts = line.split(separator: ":", maxSplits: 1)
      return parts.count == 2 ? (parts[0].lowercased(), parts[1].trimmingCharacters(in: .whitespaces)) : nil
    }
    let status = Int(lines[0].split(separator: " ").dropFirst().first ?? "") ?? 0
    return Answer(status: status, fields: Dictionary(fields) { $1 }, body: all[end.upperBound...])
  }

  /// Whether a body of the announced length is there: not every server closes when it is asked to.
  private static func isWhole(_ answer: Data) -> Bool {
    guard let end = answer.range(of: Data("\r\n\r\n".utf8)) else { return false }
    let head = String(decoding: answer[..<end.lowerBound], as: UTF8.self).lowercased()
    guard let match = head.firstMatch(of: /\r\ncontent-length: *(\d+)/), let length = Int(match.1) else { return false }
    return answer.endIndex - end.upperBound >= length
  }

  /// Reads an answer in chunks as they come, until the other side ends it (RFC 9112, section 7.1).
  public func stream(_ path: String, seconds: Int = 60, _ take: (Data) -> Void) throws {
    let file = try connected(seconds)
    defer { close(file) }
    let head = "GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nCookie: \(cookie ?? "")\r\n\r\n"
    _ = Data(head.utf8).withUnsafeBytes { Foundation.send(file, $0.baseAddress, $0.count, 0) }
    var waiting = Data(), buffer = [UInt8](repeating: 0, count: 1 << 16), isHeadRead = false
    while case let count = recv(file, &buffer, buffer.count, 0), count > 0 {
      waiting += buffer[..<count]
      if !isHeadRead {
        guard let end = waiting.range(of: Data("\r\n\r\n".utf8)) else { continue }
        guard waiting.starts(with: Data("HTTP/1.1 200".utf8)) else { throw Trouble(reason: "no stream at \(path)") }
        waiting = Data(waiting[end.upperBound...])
        isHeadRead = true
      }
      while let line = waiting.range(of: Data("\r\n".utf8)),
        let length = Int(String(decoding: waiting[..<line.lowerBound], as: UTF8.self), radix: 16)
      {
        guard length > 0 else { return }
        guard waiting.endIndex - line.upperBound >= length + 2 else { break }
        take(Data(waiting[line.upperBound..<line.upperBound + length]))
        waiting = Data(waiting[(line.upperBound + length + 2)...])
      }
    }
  }

  private func connected(_ seconds: Int) throws -> Int32 {
    #if os(Linux)
      let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #else
      let file = socket(AF_INET, SOCK_STREAM, 0)
    #endif
    var limit = timeval(tv_sec: seconds, tv_usec: 0)
    setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let isConnected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    guard isConnected else {
      close(file)
      throw Trouble(reason: "nobody at \(port)")
    }
    return file
  }

  private func read(_ file: Int32, _ bytes: Data) throws -> Data {
    defer { close(file) }
    #if os(Linux)
      let flags = Int32(MSG_NOSIGNAL)
    #else
      let flags: Int32 = 0
    #endif
    var rest = bytes[...]
    // A server that refuses early closes before all is sent: what it answered is read still.
    while !rest.isEmpty,
      case let count = rest.withUnsafeBytes({ Foundation.send(file, $0.baseAddress, $0.count, flags) }), count > 0
    {
      rest = rest.dropFirst(count)
    }
    var all = Data(), buffer = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = recv(file, &buffer, buffer.count, 0), count > 0 {
      all += buffer[..<count]
      if RawHTTP.isWhole(all) { break }
    }
    return all
  }
}
