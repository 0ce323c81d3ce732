import Foundation
import StudioTestSupport
import Testing

@testable import Studio

/// Open Sound Control, by the examples and the rules of its specification.
@Suite struct OSCTests {
  /// As a sender makes it.
  static func text(_ word: String) -> [UInt8] {
    let bytes = Array(word.utf8)
    return bytes + [UInt8](repeating: 0, count: 4 - bytes.count % 4)
  }
  static func word(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(value >> (24 - 8 * $0) & 255) } }
  static func float(_ value: Float) -> [UInt8] { word(value.bitPattern) }
  static func message(_ address: String, _ value: Float) -> [UInt8] { text(address) + text(",f") + float(value) }
  static func bundle(_ elements: [UInt8]...) -> [UInt8] {
    text("#bundle") + [UInt8](repeating: 0, count: 7) + [1] + elements.flatMap { word(UInt32($0.count)) + $0 }
  }

  /// The two examples at the specification's end, byte by byte.
  @Test func readsTheExamplesOfTheSpecification() throws {
    let frequency: [UInt8] = [
      0x2f, 0x6f, 0x73, 0x63, 0x69, 0x6c, 0x6c, 0x61, 0x74, 0x6f, 0x72, 0x2f, 0x34, 0x2f, 0x66, 0x72, 0x65, 0x71, 0x75,
      0x65, 0x6e, 0x63, 0x79, 0, 0x2c, 0x66, 0, 0, 0x43, 0xdc, 0, 0,
    ]
    #expect(
      try OSC.messages(in: frequency) == [OSC.Message(address: "/oscillator/4/frequency", values: [.number(440)])])
    let foo: [UInt8] = [
      0x2f, 0x66, 0x6f, 0x6f, 0, 0, 0, 0, 0x2c, 0x69, 0x69, 0x73, 0x66, 0x66, 0, 0, 0, 0, 0x03, 0xe8, 0xff, 0xff, 0xff,
      0xff, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0, 0, 0, 0x3f, 0x9d, 0xf3, 0xb6, 0x40, 0xb5, 0xb2, 0x2d,
    ]
    #expect(
      try OSC.messages(in: foo) == [
        OSC.Message(
          address: "/foo",
          values: [
            .integer(1000), .integer(-1), .string("hello"), .number(Double(Float(1.234))),
            .number(Double(Float(5.678))),
          ])
      ])
  }

  @Test func readsAllTypes() throws {
    let blob = OSCTests.word(5) + [1, 2, 3, 4, 5, 0, 0, 0]
    let packet =
      OSCTests.text("/all") + OSCTests.text(",TFNIbhd") + blob + [0, 0, 0, 1, 0, 0, 0, 0]
      + (0..<8).map { UInt8(Double(-2.5).bitPattern >> (56 - 8 * $0) & 255) }
    #expect(
      try OSC.messages(in: packet)[0].values == [
        .flag(true), .flag(false), .none, .flag(true), .blob(Data([1, 2, 3, 4, 5])), .integer(1 << 32), .number(-2.5),
      ])
    #expect(try OSC.messages(in: OSCTests.text("/old")) == [OSC.Message(address: "/old", values: [])])
  }

  @Test func readsBundlesInBundles() throws {
    let inner = OSCTests.bundle(OSCTests.message("/b", 2), OSCTests.message("/c", 3))
    let packet = OSCTests.bundle(OSCTests.message("/a", 1), inner, OSCTests.message("/d", 4))
    #expect(try OSC.messages(in: packet).map(\.address) == ["/a", "/b", "/c", "/d"])
    #expect(try OSC.messages(in: OSCTests.bundle()).isEmpty)
    let deep = (0..<12).reduce(OSCTests.message("/x", 1)) { inner, _ in OSCTests.bundle(inner) }
    #expect(throws: OSC.Damage.depth) { try OSC.messages(in: deep) }
  }

  /// What is damaged is thrown away as a whole.
  @Test func refusesDamagedPackets() {
    let whole = OSCTests.message("/zoom", 0.5)
    for count in 1..<whole.count where count != 8 {
      #expect(throws: OSC.Damage.self, "\(count) bytes") { try OSC.messages(in: whole[..<count]) }
    }
    let damaged: [[UInt8]] = [
      [], [0], [0, 0, 0, 0], Array("zoom".utf8), OSCTests.text("zoom") + OSCTests.text(",f") + OSCTests.float(1),
      OSCTests.text("/z") + OSCTests.text("f") + OSCTests.float(1), OSCTests.text("/z") + OSCTests.text(",q"),
      whole + [0, 0, 0, 0], OSCTests.text("/b") + OSCTests.text(",b") + OSCTests.word(UInt32.max),
      OSCTests.text("/b") + OSCTests.text(",b") + OSCTests.word(0x7FFF_FFFF), [0x2f, 0xff, 0xfe, 0],
      OSCTests.text("#bundle"), OSCTests.bundle() + OSCTests.word(0),
      OSCTests.bundle() + OSCTests.word(0xFFFF_FFFC) + whole, OSCTests.bundle() + OSCTests.word(400) + whole,
      [0x2f, 0x61, 0, 1] + OSCTests.text(",f") + OSCTests.float(1),
    ]
    for packet in damaged { #expect(throws: OSC.Damage.self, "\(packet)") { try OSC.messages(in: packet) } }
  }

  /// A hundred thousand packets with bytes changed, cut and put together at random: an answer or a refusal, never a trap.
  @Test func survivesNoise() {
    var random = SystemRandomNumberGenerator()
    let seeds = [
      OSCTests.message("/atelier/zoom", 1.5), OSCTests.bundle(OSCTests.message("/a", 1), OSCTests.message("/b", 2)),
      OSCTests.text("/all") + OSCTests.text(",ifsbTFN") + OSCTests.word(7) + OSCTests.float(1)
        + OSCTests.text("word") + OSCTests.word(3) + [1, 2, 3, 0],
    ]
    var read = 0
    for _ in 0..<100_000 {
      var packet = seeds.randomElement(using: &random)!
      for _ in 0..<Int.random(in: 0...3, using: &random) {
        packet[Int.random(in: packet.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      if Bool.random(using: &random) { packet = Array(packet.prefix(Int.random(in: 0...packet.count, using: &random))) }
      if let messages = try? OSC.messages(in: packet) { read += messages.count }
    }
    #expect(read > 1000)
  }

  @Test func matchesPatterns() {
    let yes = [
      ("/atelier/zoom", "/atelier/zoom"), ("/atelier/*", "/atelier/zoom"), ("/*/zo?m", "/atelier/zoom"),
      ("/a/{x,zoom}", "/a/zoom"), ("/a/[x-z]oom", "/a/zoom"), ("/a/[!a-f]oom", "/a/zoom"), ("/a/z*m", "/a/zoom"),
      ("/a/{zo,z}*", "/a/zoom"), ("/a/[a-]oom", "/a/-oom"), ("/a/*o*", "/a/zoom"),
    ]
    let no = [
      ("/atelier", "/atelier/zoom"), ("/*", "/atelier/zoom"), ("/a/zoo?m", "/a/zoom"), ("/a/[!z]oom", "/a/zoom"),
      ("/a/{x,y}", "/a/zoom"), ("/a/[zoom", "/a/z"), ("/a/{zoom", "/a/zoom"), ("/a/zoomm", "/a/zoom"),
      ("", "/a/zoom"),
    ]
    for (pattern, address) in yes { #expect(OSC.matches(pattern, address), "\(pattern) \(address)") }
    for (pattern, address) in no { #expect(!OSC.matches(pattern, address), "\(pattern) \(address)") }
    // A pattern that makes others try every way of taking it apart.
    let start = Date()
    #expect(!OSC.matches("/" + String(repeating: "*a", count: 2000), "/" + String(repeating: "a", count: 60) + "b"))
    #expect(Date().timeIntervalSince(start) < 5)
  }

  /// The studio's own addresses take a value as it is; a knob that was learned turns a slider from end to end.
  @Test func knobsMoveTracks() throws {
    try withFolderNow { folder in
      var map = OSCMap(folder: folder)
      map.learn(.init(address: "/1/fader3", argument: 0, track: "zoom", low: 0, high: 127))
      let tracks = LiveTrack.all(seeds: 6, sliders: nil)
      let zoom = try #require(tracks.first { $0.name == "zoom" })
      let fader = try OSC.messages(in: OSCTests.text("/1/fader3") + OSCTests.text(",i") + OSCTests.word(127))
      #expect(map.moves(fader, tracks) == ["zoom": zoom.high])
      #expect(map.moves(try OSC.messages(in: OSCTests.message("/atelier/turn", 90)), tracks) == ["turn": 90])
      #expect(map.moves(try OSC.messages(in: OSCTests.message("/atelier/{x,y}", 9)), tracks) == ["x": 5, "y": 5])
      #expect(map.moves(try OSC.messages(in: OSCTests.message("/atelier/zoom", .nan)), tracks).isEmpty)
      // One knob a track, one track a knob; kept for the next time.
      map.learn(.init(address: "/1/fader3", argument: 0, track: "turn", low: 0, high: 1))
      map.learn(.init(address: "/2/knob", argument: 0, track: "turn", low: 0, high: 1))
      #expect(map.entries.map(\.address) == ["/2/knob"])
      try map.write(folder: folder)
      #expect(OSCMap(folder: folder) == map)
    }
  }

  private func withFolderNow(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.path + "/osc-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }
}
