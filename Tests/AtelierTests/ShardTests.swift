import Foundation
import Media
import TestSupport
import Testing
import Workshop

/// Work that several processes share.
@Suite struct ShardTests {
  @Test func everyThingIsOneShards() throws {
    for (things, count) in [(0, 3), (1, 4), (10, 3), (2000, 16), (7, 7)] {
      let ranges = try (1...count).map { try #require(Shard($0, of: count)).range(of: things) }
      #expect(ranges.flatMap { Array($0) } == Array(0..<things))
      #expect((ranges.map(\.count).max() ?? 0) - (ranges.map(\.count).min() ?? 0) <= 1)
    }
    #expect(Shard(0, of: 3) == nil && Shard(4, of: 3) == nil && Shard(1, of: 0) == nil)
    let slurm = ["SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_MIN": "5", "SLURM_ARRAY_TASK_COUNT": "8"]
    #expect(try Shard(words: "auto", environment: slurm) == Shard(3, of: 8))
    #expect(try Shard(words: "auto/16", environment: ["JOB_COMPLETION_INDEX": "0"]) == Shard(1, of: 16))
    #expect(try Shard(words: "3/16", environment: [:]) == Shard(3, of: 16))
    for words in ["3", "0/4", "5/4", "a/b", "auto/x", "1/2/3", ""] {
      #expect(throws: ShardError.bad(words)) { try Shard(words: words, environment: slurm) }
    }
    #expect(throws: ShardError.notInAnArray("auto")) { try Shard(words: "auto", environment: [:]) }
    #expect(throws: ShardError.unknownCount("auto")) {
      try Shard(words: "auto", environment: ["JOB_COMPLETION_INDEX": "1"])
    }
  }

  /// Four shards, two of which are killed and begun again, are the film of one process, byte for byte.
  @Test(arguments: ["a.mp4", "a.webm", "a.gif", "a/"]) func shardsOfAFilm(_ out: String) throws {
    try inFolder { atelier in
      try atelier.train("run")
      let film = ["film", "run", "--seeds", "3,4,5", "--seconds", "20", "--rate", "10", "--size", "32"]
      let whole = try atelier.run(film + ["--out", "whole-\(out)"])
      try #require(whole.status == 0, "\(whole.err)")
      let shared = film + ["--out", out]
      #expect(try atelier.run(shared + ["--join"]).status == 66)
      let begun = try (1...4).map { try atelier.start(shared + ["--shard", "\($0)/4"]) }
      for i in [1, 2] {
        usleep(UInt32(200_000 * i))
        begun[i].send(SIGKILL)
      }
      for (i, running) in begun.enumerated() {
        let ended = try running.finish(seconds: 240)
        #expect(ended.status == 0 || i == 1 || i == 2, "\(ended.err)")
      }
      // The second again; the third may lack some, which is said.
      #expect(try atelier.run(shared + ["--shard", "2/4"]).status == 0)
      let early = try atelier.run(shared + ["--join"])
      if early.status != 0 {
        #expect(early.status == 66 && early.err.contains(" lacks frames "), "\(early.err)")
        let last = try atelier.run(shared + ["--shard", "3/4"])
        #expect(last.status == 0 && last.out.contains("All shards are there"), "\(last.out)\(last.err)")
        let joined = try atelier.run(shared + ["--join"])
        try #require(joined.status == 0, "\(joined.err)")
      }
      if out.hasSuffix("/") {
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(atelier.folder)/a").sorted()
        #expect(try names == FileManager.default.contentsOfDirectory(atPath: "\(atelier.folder)/whole-a").sorted())
        #expect(names.count == 200)
        for name in names {
          #expect(
            FileManager.default.contentsEqual(
              atPath: "\(atelier.folder)/a/\(name)", andPath: "\(atelier.folder)/whole-a/\(name)"), "\(name)")
        }
      } else {
        #expect(
          FileManager.default.contentsEqual(
            atPath: "\(atelier.folder)/\(out)", andPath: "\(atelier.folder)/whole-\(out)"))
        #expect(
          try !FileManager.default.contentsOfDirectory(atPath: atelier.folder).contains { $0.hasSuffix(".unfinished") })
      }
      expect(
        try atelier.run(film + ["--out", "b.mp4", "--join"]),
        says:
          "There are no shards of b.mp4 with these settings: make them by --shard 1/4, --shard 2/4 and so on first.",
        exit: 66)
      for more in [["--resume"], ["--force"], ["--join"], ["--preview"]] {
        #expect(try atelier.run(film + ["--out", "b.mp4", "--shard", "1/2"] + more).status == 64)
      }
    }
  }

  /// Of shards that begin at once, one has made the folder of PNGs, and another finds it before its record is there.
  @Test func aFolderThatAnotherShardHasJustMade() throws {
    try inFolder { atelier in
      try atelier.train("run")
      try atelier.make("a")
      try atelier.write(Data(), to: "a/.shard-1")
      let film = ["film", "run", "--seeds", "3,4", "--seconds", "1", "--rate", "4", "--size", "32", "--out", "a/"]
      #expect(try atelier.run(film + ["--shard", "2/2"]).status == 0)
      let other = try atelier.run(film.map { $0 == "3,4" ? "3,5" : $0 } + ["--shard", "1/2"])
      #expect(other.status == 73 && other.err.contains("a is there already"), "\(other.err)")
      #expect(try atelier.run(film + ["--shard", "1/2"]).status == 0 && atelier.run(film + ["--join"]).status == 0)
      // Somebody's own folder.
      try atelier.make("b")
      try atelier.write(Data(), to: "b/holiday.png")
      #expect(try atelier.run(film.dropLast() + ["b/", "--shard", "1/2"]).status == 73)
    }
  }

  @Test func shardsOfPictures() throws {
    try inFolder { atelier in
      try atelier.train("run")
      #expect(try atelier.run("generate", "run", "--seeds", "0-9", "--out", "whole").status == 0)
      for i in 1...3 {
        let made = try atelier.run("generate", "run", "--seeds", "0-9", "--out", "made", "--shard", "\(i)/3")
        #expect(made.status == 0 && made.out.contains("Shard \(i)/3: \(i == 3 ? 4 : 3) of 10 pictures"), "\(made.out)")
      }
      for i in 0..<10 {
        #expect(
          FileManager.default.contentsEqual(
            atPath: "\(atelier.folder)/made/seed-000\(i).png", andPath: "\(atelier.folder)/whole/seed-000\(i).png"))
      }
      // What is done is passed over; what another made isn't written over.
      try FileManager.default.removeItem(atPath: "\(atelier.folder)/made/seed-0004.png")
      let again = try atelier.run("generate", "run", "--seeds", "0-9", "--out", "made", "--shard", "2/3")
      #expect(again.out.contains("Shard 2/3: 3 of 10 pictures, 2 of them there already"), "\(again.out)")
      let other = try atelier.run(
        "generate", "run", "--seeds", "0-9", "--out", "made", "--shard", "2/3", "--truncation", "0.5")
      #expect(other.status == 73 && other.err.contains("seed-0003.png"), "\(other.err)")
      #expect(try atelier.run("generate", "run", "--out", "x", "--shard", "1/2", "--grid").status == 64)

      for i in 1...2 {
        let large = try atelier.run(
          "enlarge", "made", "--out", "large", "--model", "waifu2x-drawing", "--shard", "\(i)/2")
        #expect(large.status == 0, "\(large.err)")
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: "\(atelier.folder)/large").count == 10)
      let done = try atelier.run("enlarge", "made", "--out", "large", "--model", "waifu2x-drawing", "--shard", "1/2")
      #expect(done.status == 0 && done.out.contains("5 of them there already"), "\(done.out)\(done.err)")
    }
  }
}
