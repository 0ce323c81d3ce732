import Catalogue
import Foundation
import StudioTestSupport
import Synchronization
import Testing

@testable import Studio

/// kill -9 at random moments: after the restart everything is there and true. `Scripts/killings.py` does it twenty times.
@Suite(.serialized) struct KillTests {
  /// The server, the run, then both; meanwhile the database is copied as it is.
  @Test func nothingIsLostByThreeKills() async throws {
    try await withStudio { (studio: Served) async throws in
      let set = try #require(try studio.post("/api/sets", ["name": "faces"])["id"] as? String)
      for (name, path) in try Programs.emoji(24) {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(try studio.upload("/api/sets/\(set)/pictures?name=\(name)", data).status == 200)
      }
      _ = try studio.post("/api/sets/\(set)/done", [:])
      let values = [
        "pictures": ["set:\(set)"], "recipe": ["dcgan"], "size": ["32"], "pictures-seen": ["2000"],
        "no-best": ["true"], "save-every": ["0.02"], "set.batch": ["4"], "set.width": ["4"],
      ]
      let id = try #require(try studio.post("/api/jobs", ["verb": "train", "values": values])["id"] as? String)
      func job() throws -> [String: Any] { try studio.json("/api/jobs/\(id)") }
      func seen() throws -> Double { (try job()["reading"] as? [String: Any])?["picturesSeen"] as? Double ?? 0 }
      _ = try await wait(seconds: 60) { try job()["saved"] as? Int ?? 0 > 0 }

      let copies = DatabaseCopies(studio.workspace)
      for victims in [[Victim.server], [.run], [.server, .run]] {
        rest(.random(in: 0.05...1.5))
        let before = try seen()
        if try job()["state"] as? String == "done" { break }
        if victims.contains(.run) { try Victim.killRun(studio.workspace, id) }
        if victims.contains(.server) {
          studio.kill()
          try await studio.again()
        }
        // It goes on by itself, from what was saved: a run that was killed has lost a part of a minute.
        _ = try await wait(seconds: 60) {
          let job = try job()
          if job["state"] as? String == "setAside" { _ = try studio.post("/api/jobs/\(id)/retry", [:]) }
          return try seen() > before || job["state"] as? String == "done"
        }
        #expect(try seen() >= before, "\(victims)")
      }
      let made = copies.stop()
      let ended = try await wait(seconds: 120) {
        let state = try job()["state"] as? String
        if state == "setAside" { _ = try studio.post("/api/jobs/\(id)/retry", [:]) }
        return state == "done"
      }
      let last = try job()
      #expect(ended, "\(last["state"] ?? "") \(last["reason"] ?? "")")
      let run = try #require(last["run"] as? String)
      let isWhole = try await wait(seconds: 20) {
        let report: [String: Any] = try studio.json("/api/runs/\(run)")
        return (report["run"] as? [String: Any])?["picturesSeen"] as? Int == 2000
      }
      #expect(isWhole)
      let report: [String: Any] = try studio.json("/api/runs/\(run)")
      let checkpoints = try #require(report["checkpoints"] as? [[String: Any]])
      #expect(!checkpoints.isEmpty && checkpoints.allSatisfy { $0["isWhole"] as? Bool == true })
      let findings: [[String: Any]] = try studio.json("/api/doctor")
      #expect(findings.compactMap { $0["path"] as? String }.filter { $0 != "out.log" && !$0.hasSuffix(".part") } == [])
      #expect(made.count > 2)
      for copy in made {
        // Opens, and becomes what the files say.
        let catalogue = try Catalogue(workspace: copy)
        _ = try catalogue.sets()
        _ = try catalogue.pictures(PictureQuery())
      }
    }
  }

  enum Victim {
    case server, run

    /// The verb's process, and in half of all cases who watches over it.
    static func killRun(_ workspace: String, _ job: String) throws {
      let attempts = "\(workspace)/jobs/\(job)/attempts"
      let last = try #require(FileManager.default.contentsOfDirectory(atPath: attempts).compactMap { Int($0) }.max())
      for name in ["process.json"] + (Bool.random() ? ["supervisor.json"] : []) {
        guard let data = FileManager.default.contents(atPath: "\(attempts)/\(last)/\(name)"),
          let pid = (try? JSONSerialization.jsonObject(with: data) as? [String: Any])?["pid"] as? Int32
        else { continue }
        kill(pid, SIGKILL)
      }
    }
  }

  /// Copies the database's files, one after the other, as somebody's backup would.
  final class DatabaseCopies: Sendable {
    private let state = Mutex((folders: [String](), hasStopped: false, hasEnded: false))

    init(_ workspace: String) {
      Thread.detachNewThread { [self] in
        while !state.withLock({ $0.hasStopped }) {
          let copy = workspace + "-copy-\(UUID().uuidString)"
          try? FileManager.default.createDirectory(atPath: copy + "/studio", withIntermediateDirectories: true)
          for ending in ["", "-wal"] {
            let name = "/studio/catalogue.sqlite\(ending)"
            try? FileManager.default.copyItem(atPath: workspace + name, toPath: copy + name)
          }
          state.withLock { $0.folders.append(copy) }
          usleep(UInt32.random(in: 20_000...400_000))
        }
        state.withLock { $0.hasEnded = true }
      }
    }

    /// - Returns: workspaces that have a copy each.
    func stop() -> [String] {
      state.withLock { $0.hasStopped = true }
      while !state.withLock({ $0.hasEnded }) { usleep(10_000) }
      return state.withLock { $0.folders }
    }
  }
}
