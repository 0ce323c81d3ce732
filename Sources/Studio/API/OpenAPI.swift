import Files
import HTTPTypes

/// The document that describes the API (OpenAPI 3.1), made from the routes.
enum OpenAPI {
  static func document(_ routes: [Route]) -> JSON {
    var paths: [String: JSON] = [:]
    for route in routes where route.path.hasPrefix("/api/") {
      var methods = paths[route.path]?.object ?? [:]
      methods[route.method.rawValue.lowercased()] = operation(route)
      paths[route.path] = .object(methods)
    }
    return .object([
      "openapi": .string("3.1.0"),
      "info": .object([
        "title": .string("Atelier studio"), "version": .string("1"),
        "description": .string(
          "Jobs, sets of pictures, runs, models and a gallery on this machine. A session's cookie is needed everywhere."
        ),
      ]),
      "paths": .object(paths),
      "components": .object([
        "securitySchemes": .object([
          "session": .object(["type": .string("apiKey"), "in": .string("cookie"), "name": .string("atelier")])
        ])
      ]),
      "security": .list([.object(["session": .list([])])]),
    ])
  }

  private static func operation(_ route: Route) -> JSON {
    var operation: [String: JSON] = [
      "summary": .string(route.summary),
      "operationId": .string(
        route.method.rawValue.lowercased()
          + route.path.split(separator: "/").dropFirst().map { "-" + $0.filter { $0 != "{" && $0 != "}" } }.joined()),
    ]
    let inPath = route.parameters.map {
      parameter(
        $0, "path", "As other answers name it.",
        .object(["type": .string("string"), "pattern": .string("^[A-Za-z0-9-]{1,64}$")]), true)
    }
    let inQuery = route.query.map { parameter($0.name, "query", $0.note, $0.schema, false) }
    if !(inPath + inQuery).isEmpty { operation["parameters"] = .list(inPath + inQuery) }
    if let body = route.body {
      operation["requestBody"] = content("application/json", body, ["required": .bool(true)])
    } else if route.writes == .bytes {
      operation["requestBody"] = content("application/octet-stream", .object([:]), ["required": .bool(true)])
    }
    let problem = content(
      "application/json", Schema.of(Problem.self), ["description": .string("A sentence that says what to do.")])
    operation["responses"] = .object([
      "200": content(
        route.contentType, route.answer ?? .object(["type": .string("string")]), ["description": .string(route.summary)]
      ),
      "default": problem,
    ])
    return .object(operation)
  }

  private static func parameter(_ name: String, _ place: String, _ note: String, _ schema: JSON, _ isRequired: Bool)
    -> JSON
  {
    .object([
      "name": .string(name), "in": .string(place), "description": .string(note), "schema": schema,
      "required": .bool(isRequired),
    ])
  }

  private static func content(_ type: String, _ schema: JSON, _ more: [String: JSON]) -> JSON {
    .object(more.merging(["content": .object([type: .object(["schema": schema])])]) { $1 })
  }
}
