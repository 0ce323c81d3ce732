import Files
import Foundation
import HTTPTypes
import Hummingbird

/// One address of the studio: what is served, checked and written in the OpenAPI document are all made from this.
struct Route: Sendable {
  struct Parameter: Sendable {
    let name: String
    let note: String
    /// JSON Schema.
    var schema: JSON = .object(["type": .string("string")])
  }

  let method: HTTPRequest.Method
  /// With parameters in braces: `/api/jobs/{id}`.
  let path: String
  let summary: String
  var query: [Parameter] = []
  var writes: Access.Writes? = nil
  var body: JSON? = nil
  /// JSON Schema of the answer; nil for what isn't JSON.
  var answer: JSON? = nil
  var contentType = "application/json"
  let handle: @Sendable (Call) async throws -> Response

  /// Names in braces.
  var parameters: [String] {
    path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
  }

  // MARK: Kinds

  /// Reads something and answers in JSON.
  static func get<Answer: Codable & Sendable>(
    _ path: String, _ summary: String, query: [Parameter] = [],
    _ handle: @escaping @Sendable (Call) async throws -> Answer
  ) -> Route {
    Route(method: .get, path: path, summary: summary, query: query, answer: Schema.of(Answer.self)) {
      try Call.answer(try await handle($0))
    }
  }

  /// Reads the catalogue and nothing else: the answer is kept until that changes.
  static func kept<Answer: Codable & Sendable>(
    _ path: String, _ summary: String, query: [Parameter] = [],
    _ handle: @escaping @Sendable (Call) throws -> Answer
  ) -> Route {
    Route(method: .get, path: path, summary: summary, query: query, answer: Schema.of(Answer.self)) { call in
      let (studio, address) = (call.studio, call.request.uri.description)
      let body = try await studio.kept.body(of: address, version: studio.catalogue.version) {
        .init(data: try JSON.encoder.encode(try handle(call)))
      }
      return Call.answer(body)
    }
  }

  /// A write in JSON, answered in JSON.
  static func write<Body: Codable & Sendable, Answer: Codable & Sendable>(
    _ path: String, _ summary: String, _ body: Body.Type, method: HTTPRequest.Method = .post,
    _ handle: @escaping @Sendable (Call, Body) async throws -> Answer
  ) -> Route {
    Route(
      method: method, path: path, summary: summary, writes: .json, body: Schema.of(Body.self),
      answer: Schema.of(Answer.self)
    ) { call in try Call.answer(try await handle(call, try await call.body(Body.self))) }
  }

  /// A page.
  static func page(
    _ path: String, _ summary: String, query: [Parameter] = [],
    _ handle: @escaping @Sendable (Call) async throws -> String
  ) -> Route {
    Route(method: .get, path: path, summary: summary, query: query, contentType: "text/html; charset=utf-8") {
      Response(
        status: .ok, headers: [.contentType: "text/html; charset=utf-8"],
        body: .init(byteBuffer: .init(string: try await handle($0))))
    }
  }

  /// What isn't JSON: a file, a stream of events.
  static func raw(
    _ method: HTTPRequest.Method = .get, _ path: String, _ summary: String, type: String, query: [Parameter] = [],
    writes: Access.Writes? = nil, _ handle: @escaping @Sendable (Call) async throws -> Response
  ) -> Route {
    Route(method: method, path: path, summary: summary, query: query, writes: writes, contentType: type, handle: handle)
  }
}

/// A body without fields.
struct Nothing: Codable, Sendable {}

/// A request, as a route's handler sees it.
struct Call: Sendable {
  let request: Request
  let context: BasicRequestContext
  let studio: Studio

  var language: Language { Language(request) }

  /// - Throws: `CallError`.
  func parameter(_ name: String) throws(CallError) -> String {
    guard let value = context.parameters.get(name) else { throw .bad("The address lacks \(name)") }
    return value
  }

  func query(_ name: String) -> String? {
    request.uri.queryParameters[name[...]].map { String($0) }.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// - Throws: `CallError`.
  func number(_ name: String, in range: ClosedRange<Int>, default standard: Int) throws(CallError) -> Int {
    guard let word = query(name) else { return standard }
    guard let number = Int(word), range.contains(number) else {
      throw .bad("\(name) is a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func flag(_ name: String) -> Bool { query(name) == "true" }

  /// - Throws: `CallError`.
  func body<Body: Decodable>(_ type: Body.Type) async throws(CallError) -> Body {
    let data: Data
    do { data = Data(buffer: try await request.body.collect(upTo: Studio.bodyLimit)) } catch {
      throw .tooLarge(Studio.bodyLimit)
    }
    do { return try JSON.decoder.decode(type, from: data.isEmpty ? Data("{}".utf8) : data) } catch let error
      as DecodingError
    {
      throw .bad("The body isn't what this address takes (\(CallError.words(error)))")
    } catch { throw .bad("The body isn't JSON") }
  }

  static func answer(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
    answer(ByteBuffer(data: try JSON.encoder.encode(value)), status: status)
  }

  /// - Parameter body: JSON.
  static func answer(_ body: ByteBuffer, status: HTTPResponse.Status = .ok) -> Response {
    Response(
      status: status, headers: [.contentType: "application/json; charset=utf-8"], body: .init(byteBuffer: body))
  }
}

/// Why a request isn't understood.
enum CallError: Refusal, Equatable {
  case bad(String)
  case tooLarge(Int)
  case unknown(String)

  var sentence: String {
    switch self {
    case .bad(let what): "\(what): see /api/openapi.json."
    case .tooLarge(let bytes): "That is larger than \(bytes >> 20) MB: send less at once."
    case .unknown(let what): "There is no \(what): reload the page to see what is there."
    }
  }
  var status: Int {
    switch self {
    case .bad: 422
    case .tooLarge: 413
    case .unknown: 404
    }
  }
  var exitCode: Int32 { 64 }

  static func words(_ error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, _): "it lacks \(key.stringValue)"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      "\(context.codingPath.map(\.stringValue).joined(separator: ".")) is of another kind"
    case .dataCorrupted(let context) where !context.codingPath.isEmpty:
      "\(context.codingPath.map(\.stringValue).joined(separator: ".")) has a value that isn't known"
    default: "it is no JSON"
    }
  }
}
