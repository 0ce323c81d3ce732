import Foundation
import Testing
import Torch

@testable import Media

/// Films on their way to a file: what is left of others, what a loss of power leaves, what fails half-way.
@Suite(.serialized) struct RenderingTests {
  private static func rendering(
    _ path: String, key: String = "test", width: Int = 64, resumed: Bool = false, forced: Bool = false
  ) throws -> ClipRendering {
    try ClipRendering(
      path, format: ClipFormat(path), width: width, height: 48, rate: FrameRate(12), alpha: false, key: key,
      isForced: forced, isResumed: resumed)
  }
  private static func names(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  /// A shorter film in a folder of PNGs has nothing of the longer one before; what else lies there stays.
  @Test func aShorterFilmHasNoTail() throws {
    try ClipTests.inFolder { folder in
      let frames = "\(folder)/frames"
      let first = try Self.rendering(frames + "/")
      for i in 0..<9 { try first.write(ClipTests.frame(i)) }
      try first.finish()
      #expect(try Self.names(frames).count == 9, "nothing but frames is left in the folder")
      try "mine".write(toFile: frames + "/notes.txt", atomically: true, encoding: .utf8)
      try "mine".write(toFile: frames + "/frame-1.png", atomically: true, encoding: .utf8)
      #expect(throws: FileError.exists(path: frames)) { _ = try Self.rendering(frames + "/") }
      let second = try Self.rendering(frames + "/", forced: true)
      for i in 0..<4 { try second.write(ClipTests.frame(i)) }
      try second.finish()
      #expect(
        try Self.names(frames) == ["frame-000000.png", "frame-000001.png", "frame-000002.png", "frame-000003.png"]
          + ["frame-1.png", "notes.txt"])
    }
  }

  /// Two processes that write one film: the second is told, and the first one's work stays.
  @Test func oneAtATime() throws {
    try ClipTests.inFolder { folder in
      for out in ["\(folder)/a.mp4", "\(folder)/frames"] {
        let name = out.hasSuffix("4") ? out : out + "/"
        let first = try Self.rendering(name)
        try first.write(ClipTests.frame(0))
        for (resumed, forced) in [(false, true), (true, false)] {
          #expect(throws: UnfinishedError.busy(out)) {
            _ = try Self.rendering(name, resumed: resumed, forced: forced)
          }
        }
        if name == out {
          // With other settings its folder has another name.
          #expect(throws: UnfinishedError.busy(out)) { _ = try Self.rendering(name, key: "other", forced: true) }
        }
        try first.write(ClipTests.frame(1))
        try first.finish()
        let second = try Self.rendering(name, forced: true)
        try second.write(ClipTests.frame(0))
        try second.finish()
      }
      #expect(
        UnfinishedError.busy("a.mp4").sentence
          == "Another process is writing a.mp4: wait until it has ended, or write to another file.")
    }
  }

  /// Frames are gone on with by the work that made them, and by no other.
  @Test func framesOfOtherSettingsAreNotTaken() throws {
    try ClipTests.inFolder { folder in
      let frames = "\(folder)/frames"
      var first: ClipRendering? = try Self.rendering(frames + "/", key: "one")
      for i in 0..<5 { try first?.write(ClipTests.frame(i)) }
      // As a process that ended.
      first = nil
      #expect(throws: UnfinishedError.nothingToResume(frames)) {
        _ = try Self.rendering(frames + "/", key: "two", resumed: true)
      }
      #expect(throws: UnfinishedError.unfinished(frames)) { _ = try Self.rendering(frames + "/", key: "one") }
      let again = try Self.rendering(frames + "/", key: "one", resumed: true)
      #expect(again.count == 5)
      try again.write(ClipTests.frame(5))
      try again.finish()
      // A film that is whole is gone on with by nobody.
      #expect(throws: UnfinishedError.nothingToResume(frames)) {
        _ = try Self.rendering(frames + "/", key: "one", resumed: true)
      }
      // Nor are frames that were there without any work of ours.
      let other = "\(folder)/other"
      try FileManager.default.copyItem(atPath: frames, toPath: other)
      #expect(throws: UnfinishedError.nothingToResume(other)) {
        _ = try Self.rendering(other + "/", key: "one", resumed: true)
      }
    }
  }

  /// A loss of power may leave a name with less of its file: such parts, and those after them, are made again.
  @Test(arguments: ["film.mp4", "frames/"]) func aPartThatIsCutShortIsMadeAgain(_ name: String) throws {
    try ClipTests.inFolder { folder in
      var first: ClipRendering? = try Self.rendering("\(folder)/\(name)")
      for i in 0..<80 { try first?.write(ClipTests.frame(i)) { ["n": Tensor([Float(i + 1)])] } }
      // As a process that was killed: what was written is there.
      first = nil
      let isFolder = name.hasSuffix("/")
      let parts = isFolder ? "\(folder)/frames" : "\(folder)/\(name).test.unfinished"
      let last = try #require(
        Self.names(parts).last { $0.hasPrefix("part-") && $0.hasSuffix(".mkv") || $0.hasPrefix("frame-") })
      let file = try #require(FileHandle(forWritingAtPath: "\(parts)/\(last)"))
      try file.truncate(atOffset: 0)
      let again = try Self.rendering("\(folder)/\(name)", resumed: true)
      // What depends on frames before begins where their state is known: its last one belongs to the part that was lost.
      #expect(again.count == 0 && again.state.isEmpty)
      var plain: ClipRendering? = try Self.rendering("\(folder)/plain-\(name)")
      for i in 0..<80 { try plain?.write(ClipTests.frame(i)) }
      plain = nil
      let plainParts = isFolder ? "\(folder)/plain-frames" : "\(folder)/plain-\(name).test.unfinished"
      let plainFile = try #require(FileHandle(forWritingAtPath: "\(plainParts)/\(last)"))
      try plainFile.truncate(atOffset: 0)
      let without = try Self.rendering("\(folder)/plain-\(name)", resumed: true)
      #expect(without.count == (isFolder ? 79 : 48))
      for i in without.count..<80 { try without.write(ClipTests.frame(i)) }
      try without.finish()
      if !isFolder { #expect(try ClipTests.probe("\(folder)/plain-\(name)")["nb_read_frames"] == "80") }
    }
  }

  /// What fails before it is whole gives its memory back.
  @Test func nothingLeaks() throws {
    // Pages in memory.
    func held() throws -> Int {
      let words = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
      return try #require(Int(words[1]))
    }
    func fail() {
      _ = try? ClipWriter(
        "/x/y", container: "no such container", codec: .h264, width: 64, height: 48, rate: FrameRate(24), alpha: false)
    }
    for _ in 0..<200 { fail() }
    // Other tests run beside this one: the least of some growths.
    let grown = try (0..<3).map { _ in
      let before = try held()
      for _ in 0..<4000 { fail() }
      return try held() - before
    }
    #expect(grown.min()! < 1000, "\(grown)")
  }

  /// What a file claims of its rate and its length is taken as far as it can be true.
  @Test func hostileNumbers() throws {
    #expect(FrameRate(2_147_483_647 * 16, 89_478_486).value > 380)
    #expect(FrameRate(2_147_483_647 * 16, 89_478_486).rational.num > 0)
    try ClipTests.inFolder { folder in
      // A matroska file of two frames, whose duration is a float of eight bytes that is made huge, or none.
      let film = try ClipWriter(
        "\(folder)/film.mkv", container: "matroska", codec: .lossless, width: 16, height: 16, rate: FrameRate(24),
        alpha: false)
      for _ in 0..<2 {
        try film.write(Picture(width: 16, height: 16, channels: 3, bytes: .init(repeating: 9, count: 768)))
      }
      try film.finish()
      var bytes = [UInt8](try #require(FileManager.default.contents(atPath: "\(folder)/film.mkv")))
      let mark: [UInt8] = [0x44, 0x89, 0x88]
      let at = try #require(bytes.indices.first { bytes[$0...].starts(with: mark) })
      for value in [1e300, 1e18, -1e18, .infinity, .nan] as [Double] {
        withUnsafeBytes(of: value.bitPattern.bigEndian) { bytes.replaceSubrange(at + 3..<at + 11, with: $0) }
        try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/hostile.mkv"))
        let reader = try ClipReader("\(folder)/hostile.mkv")
        #expect((1...1_000_000_000).contains(reader.facts.count))
        var count = 0
        while reader.next(at: reader.facts.rate) != nil { count += 1 }
        #expect(count == 2)
      }
    }
  }
}
