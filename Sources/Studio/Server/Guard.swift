import Files
import Foundation
import HTTPTypes
import Hummingbird

/// Stands before every route: who asks (`Access`), whether it was let in (`Sessions`), and what every answer says.
struct Guard: RouterMiddleware {
  let studio: Studio

  func handle(
    _ request: Request, context: BasicRequestContext, next: (Request, BasicRequestContext) async throws -> Response
  )
    async throws -> Response
  {
    var response: Response
    do {
      response = try await answer(request, context, next)
    } catch {
      response = Guard.answer(to: error, isPage: !request.uri.path.hasPrefix("/api/"), studio.pages, request)
    }
    for (name, value) in Guard.fields where response.headers[name] == nil { response.headers[name] = value }
    return response
  }

  private func answer(
    _ request: Request, _ context: BasicRequestContext, _ next: (Request, BasicRequestContext) async throws -> Response
  ) async throws -> Response {
    let path = request.uri.path
    // What a router might take apart otherwise than a file system does is refused as it is.
    guard !path.contains("%"), !path.contains("\\"), !path.contains("//"), !path.contains("/."),
      path.utf8.allSatisfy({ $0 > 32 && $0 < 127 })
    else {
      throw Access.Refused(
        status: .badRequest, sentence: "An address here has letters, digits, - and / only: open / and go on from there."
      )
    }
    try studio.access.check(request.head, writes: studio.writes(request.method, path))
    if Guard.open.contains(path) { return try await next(request, context) }
    guard let session = request.cookies[studio.cookieName]?.value, await studio.sessions.has(session) else {
      return path.hasPrefix("/api/") ? try Guard.json(.unauthorized, Studio.doorSentence) : studio.door()
    }
    return try await next(request, context)
  }

  /// Where a token or a password is given.
  static let open: Set = ["/open", "/login"]

  /// The page may load nothing from elsewhere, and has no script or style inside; nobody may frame it.
  static let policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    + "connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

  private static let fields: [(HTTPField.Name, String)] = [
    (.contentSecurityPolicy, policy),
    (.xContentTypeOptions, "nosniff"),
    (HTTPField.Name("X-Frame-Options")!, "DENY"),
    (HTTPField.Name("Referrer-Policy")!, "no-referrer"),
    (HTTPField.Name("Cross-Origin-Opener-Policy")!, "same-origin"),
    (HTTPField.Name("Cross-Origin-Resource-Policy")!, "same-origin"),
    (HTTPField.Name("Permissions-Policy")!, "camera=(), geolocation=(), microphone=(self)"),
    (.cacheControl, "no-store"),
  ]

  // MARK: Errors

  /// What an error is told as: a sentence, as JSON or on a page.
  static func answer(to error: any Error, isPage: Bool, _ pages: Pages, _ request: Request) -> Response {
    let (status, sentence): (HTTPResponse.Status, String)
    switch error {
    case let refused as Access.Refused: (status, sentence) = (refused.status, refused.sentence)
    case let refusal as any Refusal: (status, sentence) = (HTTPResponse.Status(code: refusal.status), refusal.sentence)
    case let error as HTTPError where error.status == .notFound:
      (status, sentence) = (.notFound, "There is nothing at this address: open / and go on from there.")
    case let error as any HTTPResponseError:
      (status, sentence) = (error.status, "The studio can't take that (\(error.status.code)): see /api/openapi.json.")
    default:
      FileHandle.standardError.write(Data("atelier: \(request.method) \(request.uri.path): \(error)\n".utf8))
      (status, sentence) = (
        .internalServerError, "The studio failed at that: try again, and see the terminal if it stays so."
      )
    }
    if isPage && request.method == .get, let page = try? pages.problem(sentence, Language(request)) {
      return Response(
        status: status, headers: [.contentType: "text/html; charset=utf-8"],
        body: .init(byteBuffer: .init(string: page)))
    }
    return (try? json(status, sentence)) ?? Response(status: status)
  }

  static func json(_ status: HTTPResponse.Status, _ sentence: String) throws -> Response {
    let data = try JSON.encoder.encode(Problem(error: sentence))
    return Response(
      status: status, headers: [.contentType: "application/json; charset=utf-8"],
      body: .init(byteBuffer: .init(data: data)))
  }
}

/// What an answer that isn't a success has.
struct Problem: Codable, Sendable {
  let error: String
}
