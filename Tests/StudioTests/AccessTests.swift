import Files
import Foundation
import HTTPTypes
import Testing

@testable import Studio

/// Every combination of what a browser says of where a request comes from.
@Suite struct AccessTests {
  let access = Access(names: ["127.0.0.1", "localhost", "[::1]"], port: 8080, isSecure: false)

  static let hosts: [String?] = [
    "127.0.0.1:8080", "localhost:8080", "[::1]:8080", "LOCALHOST:8080", nil, "", "127.0.0.1", "127.0.0.1:8081",
    "evil.example:8080", "127.0.0.1.evil.example:8080", "127.0.0.1:8080.evil.example", "0.0.0.0:8080", "[::]:8080",
  ]
  static let origins: [String?] = [
    nil, "http://127.0.0.1:8080", "http://localhost:8080", "null", "https://127.0.0.1:8080", "http://127.0.0.1:8081",
    "http://127.0.0.1", "http://evil.example", "http://127.0.0.1:8080.evil.example", "file://", "",
  ]
  static let sites: [String?] = [nil, "same-origin", "none", "same-site", "cross-site", "other"]
  static let types: [String?] = [
    nil, "application/json", "application/json; charset=utf-8", "Application/JSON", "text/plain",
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/octet-stream",
    "text/plain; application/json",
  ]

  func head(
    _ method: HTTPRequest.Method, _ path: String, _ host: String?, _ origin: String?, _ site: String?, _ type: String?,
    _ more: [(String, String)] = []
  ) -> HTTPRequest {
    var head = HTTPRequest(method: method, scheme: "http", authority: host, path: path)
    if let origin { head.headerFields[.origin] = origin }
    if let site { head.headerFields[HTTPField.Name("Sec-Fetch-Site")!] = site }
    if let type { head.headerFields[.contentType] = type }
    for (name, value) in more { head.headerFields.append(HTTPField(name: HTTPField.Name(name)!, value: value)) }
    return head
  }

  func isLetIn(_ head: HTTPRequest, writes: Access.Writes? = .json) -> Bool {
    do { try access.check(head, writes: writes) } catch { return false }
    return true
  }

  @Test func hostsOriginsSitesAndTypes() {
    var count = 0
    for host in Self.hosts {
      for origin in Self.origins {
        for site in Self.sites {
          let isHost =
            host.map { ["127.0.0.1:8080", "localhost:8080", "[::1]:8080"].contains($0.lowercased()) } ?? false
          let isOrigin = origin == nil || ["http://127.0.0.1:8080", "http://localhost:8080"].contains(origin)
          let reads = isHost && isOrigin && [nil, "same-origin", "none"].contains(site)
          #expect(
            isLetIn(head(.get, "/api/jobs", host, origin, site, nil)) == reads,
            "\(host ?? "-") \(origin ?? "-") \(site ?? "-")")
          for type in Self.types {
            let isJSON = type?.split(separator: ";").first?.lowercased() == "application/json"
            let writes = isHost && isOrigin && [nil, "same-origin"].contains(site)
            for method in [HTTPRequest.Method.post, .delete] {
              #expect(
                isLetIn(head(method, "/api/jobs", host, origin, site, type)) == (writes && isJSON),
                "\(method) \(host ?? "-") \(origin ?? "-") \(site ?? "-") \(type ?? "-")")
            }
            #expect(
              isLetIn(head(.post, "/api/uploads", host, origin, site, type), writes: .bytes)
                == (writes && type == "application/octet-stream"))
            count += 3
          }
        }
      }
    }
    #expect(count == Self.hosts.count * Self.origins.count * Self.sites.count * Self.types.count * 3)
  }

  /// Somebody else's page may link to the studio: that one request is answered, by the door.
  @Test func aLinkToTheFrontPageIsLetThrough() {
    let navigation = [("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")]
    #expect(isLetIn(head(.get, "/", "127.0.0.1:8080", nil, "cross-site", nil, navigation)))
    #expect(!isLetIn(head(.get, "/", "127.0.0.1:8080", nil, "cross-site", nil)))
    #expect(
      !isLetIn(
        head(
          .get, "/", "127.0.0.1:8080", nil, "cross-site", nil,
          [("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "iframe")])))
    #expect(!isLetIn(head(.get, "/gallery", "127.0.0.1:8080", nil, "cross-site", nil, navigation)))
    #expect(!isLetIn(head(.post, "/", "127.0.0.1:8080", nil, "cross-site", "application/json", navigation)))
    #expect(!isLetIn(head(.get, "/", "evil.example", nil, "cross-site", nil, navigation)))
  }

  @Test func namesOfFilesAreMadeHarmless() {
    #expect(Uploads.safe("$(id).png") == ["$(id).png"])
    #expect(Uploads.safe("-i") == ["_-i"])
    #expect(Uploads.safe("../../etc/passwd.png") == ["etc", "passwd.png"])
    #expect(Uploads.safe("..\\..\\a\0b\n.png") == ["ab.png"])
    #expect(Uploads.safe("a/b/c/d/e.png") == ["c", "d", "e.png"])
    #expect(Uploads.safe(".htaccess.png") == ["_htaccess.png"])
    #expect(Uploads.safe("///").isEmpty && Uploads.safe("..").isEmpty)
    #expect(Uploads.safe(String(repeating: "鸟", count: 400) + ".png")[0].utf8.count <= 150)
  }

  @Test func aDocumentCantDriftFromTheRoutes() {
    let document = OpenAPI.document(Routes.all)
    for route in Routes.all where route.path.hasPrefix("/api/") {
      let operation = document["paths"]?[route.path]?[route.method.rawValue.lowercased()]
      #expect(operation != nil, "\(route.path)")
      #expect(operation?["parameters"]?.list?.count ?? 0 == route.parameters.count + route.query.count)
    }
    // Schemas are what the types read.
    let job = document["paths"]?["/api/jobs"]?["post"]?["requestBody"]?["content"]?["application/json"]?["schema"]
    #expect(job?["required"] == .list([.string("values"), .string("verb")]))
    #expect(Schema.of(JSON.self) == .object([:]) && Schema.of([JSON].self)["items"] == .object([:]))
    let card = Schema.of(JobCard.self)
    #expect(card["properties"]?["state"]?["enum"]?.list?.contains(.string("setAside")) == true)
    #expect(card["properties"]?["pictures"]?["items"]?["properties"]?["id"]?["type"] == .string("string"))
    #expect(card["required"]?.list?.contains(.string("fraction")) == false)
  }

  /// A language lacks no word that the other has, and templates and scripts ask for none that isn't there.
  @Test func wordsAreThereInBothLanguages() throws {
    let pages = try Pages()
    let folder =
      URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().path + "/Sources/Studio"
    let table = try JSONDecoder().decode(
      [String: [String: String]].self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/Pages/strings.json")))
    for (key, words) in table {
      #expect(Set(words.keys) == ["en", "zh"], "\(key)")
      #expect(words["zh"]!.unicodeScalars.contains { $0.value > 0x2E80 }, "\(key) isn't Chinese")
    }
    for name in try FileManager.default.contentsOfDirectory(atPath: folder + "/Pages") where name.hasSuffix(".mustache")
    {
      let text = try String(contentsOfFile: "\(folder)/Pages/\(name)", encoding: .utf8)
      for match in text.matches(of: /\{\{t\.([A-Za-z0-9_]+)\}\}/) {
        #expect(table.keys.contains { $0.replacing(".", with: "_") == match.1 }, "\(name) asks for \(match.1)")
      }
      // The policy forbids them.
      #expect(
        !text.contains("style=") && !text.contains("onclick=") && !text.contains("http://")
          && !text.contains("https://"), "\(name)")
    }
    for name in try FileManager.default.contentsOfDirectory(atPath: folder + "/Assets") where name.hasSuffix(".js") {
      let text = try String(contentsOfFile: "\(folder)/Assets/\(name)", encoding: .utf8)
      for match in text.matches(of: /word\('([A-Za-z.]+)'/) {
        #expect(pages.has("js.\(match.1)"), "\(name) asks for \(match.1)")
      }
    }
  }
}
