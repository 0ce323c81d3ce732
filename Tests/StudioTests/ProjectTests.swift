import Files
import Foundation
import StudioTestSupport
import Testing

@testable import Catalogue
@testable import Studio

/// A project goes out and in as one zip.
@Suite struct ProjectTests {
  /// On another workspace it gives the same rows: set, run, checkpoints, pictures, favourites, tags, boards.
  @Test func isTheSameElsewhere() async throws {
    try await withStudio { (studio: Served) async throws in
      let set = try #require(try studio.post("/api/sets", ["name": "emoji"])["id"] as? String)
      for (name, path) in try Programs.emoji(24) {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(try studio.upload("/api/sets/\(set)/pictures?name=sub%2F\(name)", data).status == 200)
      }
      #expect(try studio.upload("/api/sets/\(set)/pictures?name=a.txt", Data("a face".utf8)).status == 200)
      _ = try studio.post("/api/sets/\(set)/done", [:])
      let values = [
        "pictures": ["set:\(set)"], "recipe": ["dcgan"], "size": ["32"], "pictures-seen": ["64"], "no-best": ["true"],
        "set.batch": ["4"], "set.width": ["4"],
      ]
      let training = try #require(try studio.post("/api/jobs", ["verb": "train", "values": values])["id"] as? String)
      let trained = try await studio.ended(training)
      #expect(trained["state"] as? String == "done", "\(trained["reason"] ?? "")")
      let run = try #require(trained["run"] as? String)
      _ = try await wait(seconds: 20) { try studio.client.send("GET", "/api/runs/\(run)").status == 200 }
      let job = try #require(
        try studio.post("/api/jobs", ["verb": "generate", "values": ["run": ["run:\(run)"], "seeds": ["1-4"]]])["id"]
          as? String)
      _ = try await studio.ended(job)
      _ = try await wait(seconds: 20) {
        try (studio.json("/api/pictures?job=\(job)", as: [String: Any].self)["total"] as? Int) == 4
      }
      let page: [String: Any] = try studio.json("/api/pictures?job=\(job)")
      let pictures = try #require(page["pictures"] as? [[String: Any]]).compactMap {
        ($0["picture"] as? [String: Any])?["id"] as? String
      }
      _ = try studio.post("/api/pictures/favourite", ["pictures": Array(pictures.prefix(2)), "isOn": true])
      _ = try studio.post("/api/pictures/tags", ["pictures": [pictures[0]], "tags": ["blue", "first"]])
      let board = try #require(try studio.post("/api/boards", ["name": "Wall"])["id"] as? String)
      _ = try studio.post("/api/boards/\(board)/pictures", ["pictures": pictures, "isOn": true])

      let packed = try studio.post("/api/projects", ["name": "My faces"])
      let zip = try studio.client.send("GET", "/api/projects/\(packed["id"] as? String ?? "")/file")
      #expect(zip.status == 200 && zip.fields["content-disposition"]?.contains("My%2Dfaces%2Ezip") == true)
      #expect(zip.body.count == packed["bytes"] as? Int)

      try await withStudio { (other: Served) async throws in
        let answer = try other.upload("/api/projects/import", zip.body)
        #expect(answer.status == 200, "\(answer.text)")
        let told = answer.json as? [String: Any]
        #expect(told?["sets"] as? [String] == ["emoji"] && told?["pictures"] as? Int == 4)
        func rows(_ workspace: String) throws -> [String] {
          // The folder of a workspace stands in one column: where a run's pictures are.
          try Catalogue(workspace: workspace).dump().filter { !$0.hasPrefix("models ") && !$0.hasPrefix("search ") }
            .map { $0.replacingOccurrences(of: workspace, with: "WORKSPACE") }
        }
        let (here, there) = (try rows(studio.workspace), try rows(other.workspace))
        #expect(here == there)
        #expect(here.contains { $0.hasPrefix("checkpoints") } && here.contains { $0.hasPrefix("tags") })
        let findings: [[String: Any]] = try other.json("/api/doctor")
        #expect(findings.compactMap { $0["path"] as? String } == ["out.log"])
        // The same again, from what its form gave; the job itself isn't run anew.
        let again: [String: Any] = try other.json("/api/pictures/\(pictures[0])/again")
        #expect((again["values"] as? [String: [String]])?["run"] == ["run:\(run)"])
        #expect(try other.post("/api/jobs/\(job)/retry", [:], status: 409)["error"] is String)
        let made = try #require(try other.post("/api/jobs", again)["id"] as? String)
        #expect(try await other.ended(made)["state"] as? String == "done")
        // A second time nothing is overwritten.
        let twice = try other.upload("/api/projects/import", zip.body).json as? [String: Any]
        #expect((twice?["here"] as? [String])?.contains("sets/emoji") == true && twice?["pictures"] as? Int == 0)
        // The server begins anew, and the rows are the same.
        other.kill()
        try await other.again()
        #expect(try rows(other.workspace).filter { !$0.contains(made) } == there)
      }
    }
  }

  /// Zips that others have made to harm: refused in a sentence, with nothing left behind.
  @Test func strangersZipsAreRefused() async throws {
    try await withStudio { (studio: Served) async throws in
      let before = try FileManager.default.subpathsOfDirectory(atPath: studio.workspace).filter {
        !$0.contains("sqlite")
      }
      let made = Process()
      made.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      let folder = studio.workspace + "-zips"
      made.arguments = ["python3", "-c", Self.maker, folder]
      try made.run()
      made.awaitEnd()
      let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      #expect(names.count > 15)
      for name in names {
        let answer = try studio.upload(
          "/api/projects/import", Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")))
        #expect(answer.status == (name == "good.zip" ? 200 : 422), "\(name): \(answer.status) \(answer.text)")
        if name != "good.zip" {
          #expect(((answer.json as? [String: Any])?["error"] as? String)?.hasSuffix(".") == true, "\(name)")
        }
      }
      let large: [(String, String?)] = [("Content-Type", "application/octet-stream"), ("Content-Length", "\(1 << 40)")]
      #expect(try studio.client.send("POST", "/api/projects/import", large, body: Data(count: 10)).status == 413)
      let after = try FileManager.default.subpathsOfDirectory(atPath: studio.workspace).filter {
        !$0.contains("sqlite")
      }
      let added = Set(after).subtracting(before).filter { !$0.hasPrefix("cache") && $0 != "out.log" }
      #expect(added.sorted() == ["sets", "sets/a", "sets/a/b.txt"])
      #expect(!FileManager.default.fileExists(atPath: studio.workspace + "/../escaped.txt"))
    }
  }

  private static let maker = #"""
    import json, os, struct, sys, zipfile
    folder = sys.argv[1]
    os.makedirs(folder)
    note = {"format": "atelier project 1", "name": "x", "made": "2026-01-01T00:00:00Z", "workspace": "/w", "sets": ["a"],
            "runs": [], "times": {}, "jobs": [], "marks": {"format": "atelier marks 1", "boards": [], "pictures": []}}
    def make(name, entries, note=note, method=zipfile.ZIP_STORED, change=None):
        path = f"{folder}/{name}.zip"
        with zipfile.ZipFile(path, "w", method) as z:
            if note is not None:
                z.writestr("project.json", json.dumps(note))
            for entry, data in entries:
                info = zipfile.ZipInfo(entry) if isinstance(entry, str) else entry
                info.compress_type = method
                z.writestr(info, data)
        if change:
            data = bytearray(open(path, "rb").read())
            data = change(data) or data
            open(path, "wb").write(data)
    good = [("sets/a/b.txt", b"hello")]
    make("good", good)
    for at, bad in enumerate(["../escaped.txt", "sets/../../escaped.txt", "/sets/a/b.txt", "sets/a/..\\b.txt", "sets/a/.hidden.txt",
                              "sets/other/b.txt", "studio/sessions.json", "jobs/x/made/a.png", "sets/a/b.sh", "sets/a/c:d.txt",
                              "models/a.safetensors", "sets/a/b\x01.txt", "sets//b.txt", "sets/a/"]):
        make(f"name{at}", [(bad, b"x")])
    link = zipfile.ZipInfo("sets/a/link.txt")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    make("link", [(link, b"/etc/passwd")])
    make("packed", [("sets/a/b.txt", b"0" * 5000)], method=zipfile.ZIP_DEFLATED)
    make("no-note", good, note=None)
    make("later", good, note={**note, "format": "atelier project 9"})
    make("job", good, note={**note, "jobs": [{"id": "../../x", "verb": ["train"], "form": {}, "made": "2026-01-01T00:00:00Z"}]})
    make("twice", [("sets/a/b.txt", b"1"), ("sets/a/B.txt", b"2")])
    make("cut", good, change=lambda d: d[:-30])
    def sum(d):
        at = d.index(b"hello")
        d[at] = 0x48
    make("sum", good, change=sum)
    def far(d):
        at = d.rindex(b"PK\x01\x02")
        d[at + 20:at + 28] = struct.pack("<II", 1 << 30, 1 << 30)
    make("far", good, change=far)
    def over(d):
        # The second entry lies on the first.
        at = d.rindex(b"PK\x01\x02")
        d[at + 42:at + 46] = struct.pack("<I", 0)
    make("over", [("sets/a/b.txt", b"hello"), ("sets/a/c.txt", b"hello")], change=over)
    open(f"{folder}/noise.zip", "wb").write(b"PK" + os.urandom(3000))
    open(f"{folder}/text.zip", "wb").write(b"hello")
    """#
}
