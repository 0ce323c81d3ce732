import Files
import Foundation
import StudioTestSupport
import Testing

@testable import Catalogue

/// A workspace with pictures, a run and a model, made without tensors.
struct Planted {
  let folder: String

  init(_ folder: String) throws {
    self.folder = folder
    for (path, text) in [("a.jpg", "a"), ("a.txt", "a cat"), ("b.jpg", "b")] { try write("sets/cats/\(path)", text) }
    try write(
      "runs/cats-1/settings.json",
      #"{"recipe":"dcgan","settings":"{\"size\":32}","pictures":"\#(folder)/sets/cats","count":2,"plan":{"seed":7}}"#)
    try write(
      "runs/cats-1/log.jsonl",
      """
      {"event":"saved","path":"\(folder)/runs/cats-1/checkpoints/000000000100.safetensors","picturesSeen":100}
      {"event":"measured","isBest":true,"kid":41.5,"kidError":1,"picturesSeen":100}
      {"event":"reading","picturesSeen":120,"seconds":3.5,"figures":[]}
      {"event":"read
      """)
    try weights("runs/cats-1/checkpoints/000000000100.safetensors")
    try weights("models/own.safetensors")
    try write(
      "jobs/20260101-000000-000001/job.json", #"{"verb":["generate"],"arguments":[]}"#)
    for seed in 0..<3 { try picture("jobs/20260101-000000-000001/made/seed-\(seed).png", seed: seed) }
    try write("jobs/20260101-000000-000001/made/film.mp4", "film")
    var events = (0..<3).map {
      #"{"event":"picture","path":"\#(folder)/jobs/20260101-000000-000001/made/seed-\#($0).png"}"#
    }
    events.append(#"{"event":"started","run":"\#(folder)/runs/cats-1"}"#)
    try write("jobs/20260101-000000-000001/attempts/1/events.jsonl", events.joined(separator: "\n") + "\n")
  }

  func write(_ path: String, _ text: String) throws { try write(path, Data(text.utf8)) }
  func write(_ path: String, _ data: Data) throws {
    let file = URL(fileURLWithPath: "\(folder)/\(path)")
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try data.write(to: file)
  }

  func weights(_ path: String) throws {
    let header =
      #"{"__metadata__":{"recipe":"dcgan","modelspec.license":"Apache-2.0"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
    var length = UInt64(header.utf8.count).littleEndian
    try write(path, Data(bytes: &length, count: 8) + Data(header.utf8) + Data(count: 8))
  }

  /// The fixture of Media with the words of a seed: checksums aren't looked at here.
  func picture(_ path: String, seed: Int) throws {
    var png = try Data(contentsOf: URL(fileURLWithPath: Programs.root + "/Tests/Fixtures/parrot.png"))
    func chunk(_ key: String, _ value: String) -> Data {
      let body = Data(key.utf8) + [0] + Data(value.utf8)
      return withUnsafeBytes(of: UInt32(body.count).bigEndian) { Data($0) } + Data("tEXt".utf8) + body + Data(count: 4)
    }
    png.insert(
      contentsOf: chunk("Seed", "\(seed)") + chunk("Run", "cats-1") + chunk("Prompt", "a red bird no \(seed)"), at: 33)
    try write(path, png)
  }

  var job: String { "20260101-000000-000001" }
  func move(_ from: String, _ to: String) throws {
    try FileManager.default.moveItem(atPath: "\(folder)/\(from)", toPath: "\(folder)/\(to)")
  }
  func remove(_ path: String) throws { try FileManager.default.removeItem(atPath: "\(folder)/\(path)") }
}

@Suite struct CatalogueTests {
  @Test func readsWhatIsThereAndFindsIt() async throws {
    try await withFolder { folder in
      _ = try Planted(folder)
      let catalogue = try Catalogue(workspace: folder)
      try catalogue.refresh()
      let set = try #require(try catalogue.sets().first), run = try #require(try catalogue.runs().first)
      #expect(set.pictures == 2 && set.captions == 1 && set.name == "cats")
      #expect(
        run.pictureSet == set.id && run.picturesSeen == 120 && run.kid == 41.5 && run.ending == nil && run.seed == 7)
      #expect(try catalogue.checkpoints(of: run.id).map(\.isWhole) == [true])
      #expect(try catalogue.models().map(\.licence) == ["Apache-2.0"])
      let (all, total) = try catalogue.pictures(PictureQuery())
      #expect(total == 4 && Set(all.map(\.picture.kind)) == [.picture, .film])
      #expect(all.filter { $0.picture.run == run.id }.count == 3)

      func find(_ change: (inout PictureQuery) -> Void) throws -> [Int?] {
        var query = PictureQuery()
        change(&query)
        return try catalogue.pictures(query).pictures.map(\.picture.seed).sorted { ($0 ?? -1) < ($1 ?? -1) }
      }
      #expect(try find { $0.words = "red bir" } == [0, 1, 2])
      #expect(try find { $0.words = "bird \"2" } == [2])
      // What would be syntax to SQLite or FTS5 is words.
      for words in ["'; DROP TABLE pictures; --", "* OR NOT (", "\"", "NEAR(", "\0"] {
        _ = try find { $0.words = words }
      }
      #expect(try find { $0.kind = .film } == [nil])
      #expect(try find { $0.words = "***" } == [])
    }
  }

  /// As everything is followed, and nothing else is looked at.
  @Test func followsARunAlone() async throws {
    try await withFolder { folder in
      let planted = try Planted(folder)
      let catalogue = try Catalogue(workspace: folder)
      try catalogue.refresh()
      let before = try #require(try catalogue.runs().first)
      try planted.weights("runs/cats-1/checkpoints/000000000200.safetensors")
      try planted.weights("runs/cats-1/best/000000000200.safetensors")
      try planted.remove("runs/cats-1/checkpoints/000000000100.safetensors")
      try planted.write(
        "runs/cats-1/log.jsonl", #"{"event":"reading","picturesSeen":200,"seconds":5,"figures":[]}"# + "\n")
      try planted.weights("models/other.safetensors")
      try catalogue.refresh(run: folder + "/runs/cats-1")
      let run = try #require(try catalogue.runs().first)
      #expect(run.id == before.id && run.picturesSeen == 200 && run.pictureSet == before.pictureSet)
      let checkpoints = try catalogue.checkpoints(of: run.id)
      #expect(checkpoints.map(\.picturesSeen) == [200, 200] && checkpoints.count(where: \.isBest) == 1)
      #expect(try catalogue.models().count == 1 && catalogue.pictures(PictureQuery()).total == 4)
      // Runs elsewhere aren't the studio's, and one that is gone changes nothing.
      for other in ["/elsewhere/runs/cats-1", folder + "/runs/nothing", folder + "/runs", ""] {
        try catalogue.refresh(run: other)
      }
      #expect(try catalogue.runs() == [run])
      try catalogue.refresh()
      #expect(try catalogue.runs() == [run] && catalogue.checkpoints(of: run.id) == checkpoints)
      #expect(try catalogue.models().count == 2)
    }
  }

  /// A large model stays where it is: a file says where. What isn't there any more is none.
  @Test func addedModelsAreModels() async throws {
    try await withFolder { folder in
      let planted = try Planted(folder)
      try planted.write("elsewhere/sd.safetensors", "weights")
      let here = folder + "/elsewhere/sd.safetensors"
      try planted.write("models/sd15.json", #"{"path":"\#(here)","family":"sd1","bytes":7,"licence":"OpenRAIL"}"#)
      try planted.write("models/gone.json", #"{"path":"\#(folder)/nowhere","family":"sd1","bytes":7}"#)
      try planted.write("models/other.json", #"{"path":"\#(here)"}"#)
      let catalogue = try Catalogue(workspace: folder)
      try catalogue.refresh()
      let added = try catalogue.models().filter(\.isAdded)
      #expect(added.map(\.name) == ["sd15"] && added.map(\.licence) == ["OpenRAIL"] && added.map(\.bytes) == [7])
    }
  }

  @Test func marksOutliveTheDatabaseAndMoves() async throws {
    try await withFolder { folder in
      let planted = try Planted(folder)
      let before = try {
        let catalogue = try Catalogue(workspace: folder)
        try catalogue.refresh()
        let ids = try catalogue.pictures(PictureQuery()).pictures.filter { $0.picture.kind == .picture }.map(
          \.picture.id
        ).sorted()
        try catalogue.setFavourite(true, [ids[0], ids[1]])
        try catalogue.setFavourite(false, [ids[1]])
        try catalogue.setTags(["blau", "鸟"], [ids[1]])
        try catalogue.setTrashed(true, [ids[2]])
        let board = try catalogue.addBoard("Show")
        try catalogue.put(ids, onBoard: board.id)
        #expect(try catalogue.boards().map(\.pictures) == [3])
        var query = PictureQuery()
        #expect(try catalogue.pictures(query).total == 3)
        query.areTrashed = true
        #expect(try catalogue.pictures(query).pictures.map(\.picture.id) == [ids[2]])
        query = PictureQuery()
        query.words = "鸟"
        #expect(try catalogue.pictures(query).pictures.map(\.picture.id) == [ids[1]])
        #expect(throws: CatalogueError.unknown("picture", id: "0123456789abcdef")) {
          try catalogue.setFavourite(true, ["0123456789abcdef"])
        }
        #expect(throws: CatalogueError.badName("tag")) { try catalogue.setTags(["a\nb"], [ids[0]]) }
        return try catalogue.dump()
      }()
      for ending in ["", "-wal", "-shm"] { try? planted.remove("studio/catalogue.sqlite\(ending)") }
      let again = try Catalogue(workspace: folder)
      try again.refresh()
      #expect(try again.dump() == before)

      // A picture that was moved keeps its marks.
      try planted.move("jobs/\(planted.job)/made/seed-1.png", "jobs/\(planted.job)/made/moved.png")
      try again.refresh()
      let moved = try #require(
        try again.pictures(PictureQuery()).pictures.first { $0.picture.path.hasSuffix("moved.png") })
      let kept = again.allMarks.pictures.first { $0.path.hasSuffix("seed-1.png") }
      #expect(moved.tags == kept?.tags ?? [] && moved.isFavourite == (kept?.favourite != nil))
    }
  }

  @Test func aDamagedDatabaseIsSetAside() async throws {
    try await withFolder { folder in
      let planted = try Planted(folder)
      try planted.write("studio/catalogue.sqlite", String(repeating: "no database ", count: 1000))
      let catalogue = try Catalogue(workspace: folder)
      try catalogue.refresh()
      #expect(try catalogue.pictures(PictureQuery()).total == 4)
      #expect(try catalogue.findings().map(\.kind) == [.damagedCatalogue])
      try planted.write("studio/marks.json", "{")
      #expect(throws: CatalogueError.damagedMarks(path: folder + "/studio/marks.json")) {
        try Catalogue(workspace: folder)
      }
    }
  }

  /// Each fault that was planted is told in a sentence, once, and nothing is changed.
  @Test func tellsOfPlantedFaults() async throws {
    try await withFolder { folder in
      let planted = try Planted(folder)
      let catalogue = try Catalogue(workspace: folder)
      try catalogue.refresh()
      #expect(try catalogue.findings() == [])
      try planted.write("jobs/20260101-000000-000002/job.json", #"{"verb":["train"],"arguments":[]}"#)
      try planted.write(
        "jobs/20260101-000000-000002/attempts/1/events.jsonl",
        #"{"event":"started","run":"\#(folder)/runs/gone"}"# + "\n")

      try planted.remove("jobs/\(planted.job)/made/seed-0.png")
      try planted.write(
        "jobs/\(planted.job)/made/seed-2.png",
        Data(contentsOf: URL(fileURLWithPath: "\(folder)/jobs/\(planted.job)/made/seed-2.png")).prefix(900))
      try planted.move("runs/cats-1", "runs/elsewhere")
      let checkpoint = "\(folder)/runs/elsewhere/checkpoints/000000000100.safetensors"
      try planted.write(
        "runs/elsewhere/checkpoints/000000000200.safetensors",
        Data(contentsOf: URL(fileURLWithPath: checkpoint)).dropLast(3))
      try planted.write("runs/torn/settings.json", "{\"recipe\"")
      try planted.write("runs/begun/run.lock", "")
      try planted.write("models/half.safetensors", "abc")
      for path in ["runs/notes.txt", "holiday.mov"] { try planted.write(path, "mine") }
      try planted.write("jobs/20260101-000000-000003/attempts/1/stderr.txt", "")
      try planted.write("jobs/\(planted.job)/made/x.mp4.1234.unfinished", "")
      try planted.write("jobs/\(planted.job)/job.json.77.part", "")
      try FileManager.default.createDirectory(atPath: folder + "/sets/empty", withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(atPath: folder + "/sets/link", withDestinationPath: "/etc")
      try planted.move("sets/cats", "sets/dogs")

      try catalogue.refresh()
      let before = try FileManager.default.subpathsOfDirectory(atPath: folder).sorted()
      let found = try catalogue.findings()
      #expect(
        found.map(\.kind.rawValue).sorted()
          == [
            "damagedModel", "damagedPicture", "damagedSettings", "emptySet", "foreignFile", "foreignFile",
            "foreignFile",
            "halfCheckpoint", "halfRun", "leftover", "lostJob", "missingPicture", "missingPictures", "missingRun",
            "movedRun", "unfinishedWork",
          ], "\(found.map(\.sentence).joined(separator: "\n"))")
      #expect(found.allSatisfy { $0.sentence.hasSuffix(".") && $0.sentence.contains(":") })
      #expect(try FileManager.default.subpathsOfDirectory(atPath: folder).sorted() == before)
    }
  }

  @Test func linksLeadNowhere() async throws {
    try await withFolder { folder in
      let planted = try Planted(folder)
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder)/jobs/\(planted.job)/made/passwd.png", withDestinationPath: "/etc/passwd")
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder)/jobs/\(planted.job)/made/out", withDestinationPath: "/")
      let catalogue = try Catalogue(workspace: folder)
      try catalogue.refresh()
      #expect(try catalogue.pictures(PictureQuery()).total == 4)
    }
  }
}
