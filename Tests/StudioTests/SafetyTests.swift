import Files
import Foundation
import StudioTestSupport
import Testing

@testable import Studio

/// The table of incidents elsewhere, each with what this server answers: the built program, over a plain socket.
@Suite struct SafetyTests {
  /// Without a session no route says or does anything; each answer has what keeps browsers safe.
  @Test func nothingIsOpenWithoutASession() async throws {
    try await withStudio { (studio: Served) async throws in
      for route in Routes.all where !Guard.open.contains(route.path) {
        let path = route.path.replacing(/\{[a-z]+\}/) { _ in "0123456789abcdef" }
        var fields: [(String, String?)] = route.writes == .bytes ? [("Content-Type", "application/octet-stream")] : []
        for cookie in [nil, "atelier-\(studio.port)=", "atelier-\(studio.port)=" + String(repeating: "0", count: 64)] {
          fields.removeAll { $0.0 == "Cookie" }
          fields.append(("Cookie", cookie))
          let answer = try studio.stranger.send(
            route.method.rawValue, path, fields, body: route.method == .get ? Data() : Data("{}".utf8))
          #expect(answer.status == 401, "\(route.method) \(path): \(answer.status)")
          #expect(answer.fields["x-content-type-options"] == "nosniff" && answer.fields["x-frame-options"] == "DENY")
          #expect(answer.fields["content-security-policy"]?.contains("default-src 'none'") == true)
          #expect(answer.fields["content-security-policy"]?.contains("unsafe") == false)
          #expect(answer.fields["access-control-allow-origin"] == nil && answer.fields["set-cookie"] == nil)
        }
      }
      #expect(try studio.stranger.send("GET", "/nothing").status == 401)
      #expect(try studio.stranger.send("OPTIONS", "/api/jobs").status == 405)
      // A token is for one browser, and a wrong one for none.
      let told = try await studio.told()
      let used = try #require(URLComponents(string: told["address"] as? String ?? "")?.query)
      for query in [used, "token=" + String(repeating: "a", count: 64), "token=../sessions.json", "token=", ""] {
        #expect(try studio.stranger.send("GET", "/open?\(query)").status == 401)
      }
      // Whoever opens another knows the workspace's folder: its owner.
      for name in ["sessions.json", "tokens"] {
        let mode =
          try FileManager.default.attributesOfItem(atPath: "\(studio.workspace)/studio/\(name)")[.posixPermissions]
          as? Int
        #expect(mode.map { $0 & 0o077 } == 0, "\(name)")
      }
      _ = try studio.post("/api/logout", [:])
      #expect(try studio.client.send("GET", "/api/jobs").status == 401)
    }
  }

  @Test func otherHostsAndPagesAreRefused() async throws {
    try await withStudio { (studio: Served) async throws in
      let client = studio.client, port = studio.port
      #expect(try client.send("GET", "/api/jobs").status == 200)
      #expect(try client.send("GET", "/api/jobs", [("Host", "localhost:\(port)")]).status == 200)
      for host in ["evil.example:\(port)", "127.0.0.1", "127.0.0.1:1"] {
        #expect(try client.send("GET", "/api/jobs", [("Host", host)]).status == 421, "\(host)")
      }
      #expect(try client.send("GET", "/api/jobs", [("Host", nil)]).status >= 400)
      // Two names at once: neither is believed.
      let two =
        "GET /api/jobs HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nHost: evil.example\r\nCookie: \(studio.cookie)\r\nConnection: close\r\n\r\n"
      #expect(try client.exchange(Data(two.utf8)).status >= 400)
      let pages: [[(String, String?)]] = [
        [("Origin", "http://evil.example")], [("Origin", "null")], [("Sec-Fetch-Site", "cross-site")],
        [("Sec-Fetch-Site", "same-site")],
      ]
      for fields in pages {
        #expect(try client.send("GET", "/api/jobs", fields).status == 403, "\(fields)")
        #expect(try client.post("/api/boards", #"{"name":"x"}"#, fields).status == 403, "\(fields)")
      }
      for type: String? in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", nil] {
        #expect(try client.post("/api/boards", #"{"name":"x"}"#, [("Content-Type", type)]).status == 415)
      }
      #expect(try studio.json("/api/boards", as: [Any].self).isEmpty)
      #expect(
        try client.post(
          "/api/boards", #"{"name":"x"}"#, [("Origin", "http://127.0.0.1:\(port)"), ("Sec-Fetch-Site", "same-origin")]
        ).status == 200)
    }
  }

  @Test func pathsLeadNowhere() async throws {
    try await withStudio { (studio: Served) async throws in
      let client = studio.client
      for path in [
        "/assets/../../../etc/passwd", "/assets/%2e%2e/%2e%2e/etc/passwd", "/assets/..%2f..%2fetc%2fpasswd",
        "/assets/studio.css%00.png",
        "/api/pictures/../../etc/passwd/file", "/api/pictures/%2e%2e/file", "/api/sets/..%2f..%2f/pictures",
        "//etc/passwd", "/assets//etc/passwd",
        "/assets/\\..\\..", "/api/runs/0123456789abcdef/samples/..", "/api/jobs/..",
        "/api/jobs/20260101-000000-00000%30", "/./etc",
      ] {
        let answer = try client.send("GET", path)
        #expect([400, 404].contains(answer.status), "\(path): \(answer.status)")
        #expect(!answer.text.contains("root:"))
      }
      // A link in a job's folder isn't followed, nor one in place of a sheet.
      let job = "\(studio.workspace)/jobs/20260101-000000-000001"
      try FileManager.default.createDirectory(atPath: job + "/made", withIntermediateDirectories: true)
      try #"{"verb":["generate"]}"#.write(toFile: job + "/job.json", atomically: true, encoding: .utf8)
      try FileManager.default.createSymbolicLink(atPath: job + "/made/seed-1.png", withDestinationPath: "/etc/passwd")
      _ = try studio.json("/api/doctor", as: [Any].self)
      #expect(try (studio.json("/api/pictures", as: [String: Any].self)["total"] as? Int) == 0)
    }
  }

  /// What a form gives is one word of the verb's, and never a path or an option.
  @Test func formsGiveWordsNotPaths() async throws {
    try await withStudio { (studio: Served) async throws in
      let emoji = try await studio.emoji()
      func refused(_ verb: String, _ values: [String: [String]], _ status: Int = 422) throws {
        let answer = try studio.post("/api/jobs", ["verb": verb, "values": values], status: status)
        #expect((answer["error"] as? String)?.hasSuffix(".") == true)
      }
      try refused("generate", ["run": ["/etc/passwd"]])
      try refused("generate", ["run": ["run:../../etc"]])
      try refused("generate", ["run": ["run:0123456789abcdef"]], 404)
      try refused("generate", ["run": ["model:\(emoji)"], "out": ["/tmp/x"], "nonsense": ["1"]])
      try refused("generate", ["run": ["model:\(emoji)"], "workspace": ["/tmp"], "seeds": ["../x"]])
      try refused("generate", ["run": ["model:\(emoji)"], "seeds": ["~/x"]])
      try refused("generate", ["seeds": ["1"]])
      try refused("models-install", ["name": ["--json"]])
      try refused("train", ["pictures": ["/etc"]])
      try refused("train", ["pictures": ["set:0123456789abcdef"]], 404)
      try refused("train", ["set.x/../y": ["1"]])
      try refused("studio", [:], 404)
      try refused("sh", [:], 404)
      #expect(try studio.json("/api/jobs", as: [Any].self).isEmpty)
      for body in [
        "", "{", "[]", #"{"verb":1,"values":{}}"#, #"{"verb":"generate"}"#,
        #"{"verb":"generate","values":{"run":"x"}}"#,
      ] {
        #expect(try studio.client.post("/api/jobs", body).status == 422, "\(body)")
      }
      // A value with a shell's signs is a value: the verb refuses it in its own words.
      let job = try studio.post(
        "/api/jobs", ["verb": "generate", "values": ["run": ["model:\(emoji)"], "seeds": ["$(touch hacked);`id`"]]])
      let ended = try await studio.ended(try #require(job["id"] as? String))
      #expect(ended["state"] as? String == "refused")
      #expect(
        try FileManager.default.subpathsOfDirectory(atPath: studio.workspace).allSatisfy { !$0.hasSuffix("hacked") })
    }
  }

  /// Uploads: what isn't a picture is refused by its first bytes; what is has a copy made, and never comes back as it was.
  @Test func uploadsAreLookedAtAndMadeAnew() async throws {
    try await withStudio { (studio: Served) async throws in
      let set = try #require(try studio.post("/api/sets", ["name": "../../birds & co"])["id"] as? String)
      #expect(try FileManager.default.contentsOfDirectory(atPath: studio.workspace + "/sets") == ["birds---co"])
      let png = try Data(contentsOf: URL(fileURLWithPath: Programs.root + "/Tests/Fixtures/parrot.png"))
      let address = "/api/sets/\(set)/pictures?name="
      for name in ["%24%28id%29.png", "-i.png", "..%2F..%2Fup.png", "sub%2Fsub%2Fdeep.png", "%24%28id%29.png"] {
        #expect(try studio.upload(address + name, png).status == 200, "\(name)")
      }
      let files = try FileManager.default.subpathsOfDirectory(atPath: studio.workspace + "/sets/birds---co").sorted()
      #expect(files == ["$(id)-2.png", "$(id).png", "_-i.png", "sub", "sub/sub", "sub/sub/deep.png", "up.png"])
      let svg = Data("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".utf8)
      #expect(try studio.upload(address + "drawing.png", svg).status == 415)
      #expect(try studio.upload(address + "page.html", Data("<script>".utf8)).status == 415)
      #expect(try studio.upload(address + "drawing.svg", svg).status == 415)
      #expect(try studio.upload(address + "caption.txt", svg).status == 415)
      #expect(try studio.upload(address, png).status == 422)
      #expect(
        try studio.client.send("POST", address + "a.png", [("Content-Type", "image/png")], body: png).status == 415)
      let large: [(String, String?)] = [("Content-Type", "application/octet-stream"), ("Content-Length", "\(1 << 40)")]
      #expect(try studio.client.send("POST", address + "a.png", large, body: Data(count: 10)).status == 413)
      #expect(try studio.client.post("/api/boards", String(repeating: " ", count: 2 << 20)).status == 413)
      #expect(
        try studio.client.send("GET", "/api/jobs", [("X-Long", String(repeating: "x", count: 100_000))]).status >= 400)

      // A bomb by its header: the command line names it, and nothing is made of it.
      try FileManager.default.copyItem(
        atPath: Programs.root + "/Tests/Fixtures/bomb.png", toPath: studio.workspace + "/sets/birds---co/bomb.png")
      let job = try studio.post("/api/jobs", ["verb": "inspect", "values": ["pictures": ["set:\(set)"]]])
      #expect(try await studio.ended(try #require(job["id"] as? String))["state"] as? String == "done")
      let report = try studio.json("/api/sets/\(set)", as: [String: Any].self)["report"] as? [String: Any]
      #expect((report?["damaged"] as? [[String: Any]])?.contains { $0["name"] as? String == "bomb.png" } == true)
      let pictures: [[String: Any]] = try studio.json("/api/sets/\(set)/pictures")
      #expect(pictures.count == 6)
      for picture in pictures where picture["name"] as? String != "bomb.png" {
        for kind in ["thumbnails", "previews"] {
          let answer = try studio.client.send("GET", "/api/sets/\(set)/\(kind)/\(picture["id"] as? String ?? "")")
          #expect(answer.status == 200 && answer.fields["content-type"] == "image/png")
          #expect(answer.body != png, "an upload came back as it was")
        }
      }
    }
  }

  /// A studio that other machines reach needs a password and TLS.
  @Test func listeningNeedsAPasswordAndTLS() async throws {
    try await withFolder { folder in
      let process = Process()
      process.executableURL = URL(fileURLWithPath: Programs.studio)
      process.arguments = ["serve", "--workspace", folder, "--atelier", Programs.atelier, "--listen", "127.0.0.1"]
      let errors = Pipe()
      process.standardError = errors
      try process.run()
      process.awaitEnd()
      #expect(process.terminationStatus == 64)
      #expect(
        String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self).contains("ATELIER_PASSWORD"))

      let studio = try await Served(
        folder + "/two", ["--listen", "127.0.0.1"], environment: ["ATELIER_PASSWORD": "correct horse"])
      defer { studio.kill() }
      let told = try await studio.told()
      #expect((told["address"] as? String)?.hasPrefix("https://127.0.0.1:") == true)
      #expect((told["fingerprint"] as? String)?.count == 95)
      // Plain HTTP isn't answered.
      #expect((try? studio.stranger.send("GET", "/", seconds: 3).status) ?? 0 == 0)
      let python = Process()
      python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      python.arguments = [
        "python3", "-c", Self.overTLS, studio.workspace + "/studio/certificate.pem", "\(studio.port)",
      ]
      let out = Pipe()
      python.standardOutput = out
      try python.run()
      python.awaitEnd()
      #expect(
        String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
          == "401 401 429 200 200 Secure\n")
    }
  }

  /// Trusts the certificate that was made, and no other: a wrong password, another too soon, then the right one.
  static let overTLS = """
    import http.client, json, ssl, sys, time
    context = ssl.create_default_context(cafile=sys.argv[1])
    port = int(sys.argv[2])
    def ask(method, path, body=None, cookie=""):
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=context)
        connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json", "Cookie": cookie})
        return connection.getresponse()
    codes = [ask("GET", "/api/jobs").status, ask("POST", "/login", {"password": "wrong"}).status, ask("POST", "/login", {"password": "correct horse"}).status]
    time.sleep(1.5)
    entry = ask("POST", "/login", {"password": "correct horse"})
    cookie = entry.getheader("Set-Cookie")
    codes += [entry.status, ask("GET", "/api/jobs", None, cookie.split(";")[0]).status]
    print(*codes, "Secure" if "Secure" in cookie else "plain")
    """
}
