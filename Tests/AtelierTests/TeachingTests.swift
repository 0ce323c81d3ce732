import Foundation
import LargeModels
import Media
import TestSupport
import Testing
import Torch

@testable import Workshop

/// LoRAs as an artist learns them, for small models with random weights.
@Suite(.serialized) struct TeachingTests {
  private let small = SmallModels()

  /// Six pictures: one with a caption, four with names, one that a camera named.
  private func pictures(_ folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (i, name) in ["an old-house (1)", "red_boat", "IMG_0123", "boat by night", "harbour", "sea"].enumerated() {
      let wide = i == 3
      let bytes = (0..<(wide ? 96 : 64) * 64 * 3).map { UInt8(truncatingIfNeeded: $0 * (i + 3) / 5) }
      try Picture(width: wide ? 96 : 64, height: 64, channels: 3, bytes: bytes).write("\(folder)/\(name).png")
    }
    try "a blue boat,\n by day".write(toFile: "\(folder)/IMG_0123.txt", atomically: true, encoding: .utf8)
  }

  @Test func namesAreWords() {
    for (name, words) in [
      ("woman-with_red hair (2)", "woman with red hair"), ("10_sketch/IMG_0123", "sketch"), ("DSC00012", ""),
      ("a/b/c", ""), ("emoji_u1f600", "emoji"), ("set/lily's house", "lily's house"), ("绿色的船", "绿色的船"), ("", ""),
    ] {
      #expect(Captions.spoken(name) == words, "\(name)")
    }
  }

  @Test func bucketsKeepShapes() {
    for (from, to) in [
      ((1000, 1000), (512, 512)), ((3000, 2000), (640, 448)), ((100, 1000), (320, 832)), ((1920, 1080), (704, 384)),
    ] {
      let found = bucket(for: PictureSize(from.0, from.1), side: 512, step: 64)
      #expect((found.width, found.height) == to, "\(from): \(found)")
    }
  }

  /// It learns, goes on to the bit, and its file is drawn with.
  @Test func learnsAndGoesOn() throws {
    try inFolder { atelier in
      let base = try small.folder("sd1")
      try pictures("\(atelier.folder)/set")
      let common = ["--rank", "2", "--rate", "1e-3", "--text-rate", "1e-4", "--sample-steps", "2", "--trigger", "sks"]
      let whole = try atelier.run(["train", "set", "--base", base, "--run", "whole", "--pictures-seen", "8"] + common)
      #expect(whole.status == 0, "\(whole.err)")
      for words in [
        "6 of 6 pictures have words: 1 from .txt or .caption files beside them, 5 from their names or folders.",
        "IMG_0123.png as \"sks, a blue boat, by day\"", "5 of 64x64 px, 1 of 80x56 px", "What it draws was",
        "--lora \(atelier.folder)/whole/lora.safetensors",
      ] {
        #expect((whole.out + whole.err).contains(words), "\(words) in \(whole.out)\(whole.err)")
      }
      let first = try atelier.run(
        ["train", "set", "--recipe", "lora", "--base", base, "--run", "part", "--pictures-seen", "4"] + common)
      #expect(first.status == 0, "\(first.err)")
      // Rates fall by the length: the rest is compared to a run of the same length that was stopped by its end.
      let more = try atelier.run("train", "--resume", "--run", "part", "--pictures-seen", "8")
      #expect(more.status == 0, "\(more.err)")
      let again = try atelier.run(["train", "set", "--base", base, "--run", "again", "--pictures-seen", "8"] + common)
      #expect(again.status == 0)
      func learned(_ run: String) throws -> [String: [UInt8]] {
        try Safetensors.read("\(atelier.folder)/\(run)/lora.safetensors").tensors.mapValues(\.bytes)
      }
      #expect(try learned("whole") == learned("again"))
      let facts = try Safetensors.metadata("\(atelier.folder)/part/lora.safetensors")
      #expect(facts["ss_network_dim"] == "2" && facts["ss_steps"] == "8" && facts["ss_base_model_version"] == "sd_v1")

      let draw = ["--steps", "2", "--size", "64", "--seeds", "1", "--precision", "float32"]
      let with = try atelier.run(
        ["generate", base, "--prompt", "sks, boat", "--lora", "whole/lora.safetensors", "--out", "with"] + draw)
      let without = try atelier.run(["generate", base, "--prompt", "sks, boat", "--out", "without"] + draw)
      #expect(with.status == 0 && without.status == 0, "\(with.err)")
      let made = try ["with", "without"].map { try Picture.load("\(atelier.folder)/\($0)/seed-0001.png").bytes }
      #expect(made[0] != made[1])

      let alone = try atelier.run("generate", "whole", "--seeds", "0", "--out", "x")
      #expect(alone.status == 64 && alone.err.contains("is a LoRA's run: draw with it by"), "\(alone.err)")
      let changed = try atelier.run("train", "--resume", "--run", "part", "--pictures-seen", "12", "--rank", "3")
      #expect(changed.status == 64 && changed.err.contains("rank can't be changed"), "\(changed.err)")
      try FileManager.default.removeItem(atPath: "\(atelier.folder)/set/sea.png")
      let fewer = try atelier.run("train", "--resume", "--run", "part", "--pictures-seen", "12")
      #expect(fewer.status == 64 && fewer.err.contains("The pictures have changed"), "\(fewer.err)")
    }
  }

  /// A run that is cut off and gone on with learns what one without a break does.
  @Test func aBreakChangesNothing() throws {
    try inFolder { atelier in
      let base = try small.folder("sd1")
      try pictures("\(atelier.folder)/set")
      let workspace = Workspace("\(atelier.folder)/ws")
      func run(_ name: String, isResumed: Bool = false, stopAfter most: Int = .max) throws {
        var request = AdapterRequest()
        (request.pictures, request.base, request.run) = ("\(atelier.folder)/set", base, "\(atelier.folder)/\(name)")
        request.settings =
          isResumed ? [] : [("rank", "2"), ("sample-steps", "1"), ("rate", "1e-3"), ("prior", "\(atelier.folder)/set")]
        (request.length, request.isResumed) = (.pictures(6), isResumed)
        var asked = 0
        func shouldStop() -> Bool {
          asked += 1
          // Both sets are encoded first, a question a picture.
          return asked > most
        }
        _ = try teachAdapter(request, in: workspace, shouldStop: shouldStop)
      }
      try run("whole")
      try run("broken", stopAfter: 12 + 3)
      let seen = try Safetensors.metadata("\(atelier.folder)/broken/lora.safetensors")["ss_steps"]
      #expect(seen == "3")
      try run("broken", isResumed: true)
      let files = try ["whole", "broken"].map {
        try Safetensors.read("\(atelier.folder)/\($0)/lora.safetensors").tensors.mapValues(\.bytes)
      }
      #expect(files[0] == files[1])
    }
  }

  @Test func whatCannotBeLearnedIsSaid() throws {
    try inFolder { atelier in
      let base = try small.folder("sd1")
      try pictures("\(atelier.folder)/set")
      try FileManager.default.createDirectory(atPath: "\(atelier.folder)/wordless", withIntermediateDirectories: true)
      try FileManager.default.copyItem(
        atPath: "\(atelier.folder)/set/IMG_0123.png", toPath: "\(atelier.folder)/wordless/1.png")
      let inpainting = try small.folder("sd1", unet: "inpaint")
      for (words, status, sentence) in [
        (["set", "--recipe", "lora"], 64, "name it by --base"),
        (["set", "--base", "emoji"], 66, "emoji is no large model"),
        (["set", "--base", inpainting], 64, "is for inpainting"),
        (["set", "--base", base, "--ranks", "3"], 64, "no setting 'ranks': use one of alpha,"),
        (["set", "--base", base, "--rank", "0"], 64, "use a whole number from 1 to 1024"),
        (["set", "--base", base, "--classes", "3"], 64, "--classes isn't for the recipe lora"),
        (["set", "--base", base, "--size", "64x32"], 64, "at their own shapes"),
        (["set", "--recipe", "r3gan", "--base", base], 64, "--base is for the recipe lora"),
        (["wordless", "--base", base], 64, "No picture has words"),
        (["nowhere", "--base", base], 66, "There is nothing at"),
      ] as [([String], Int32, String)] {
        let refused = try atelier.run(["train"] + words + ["--run", "run", "--pictures-seen", "2"])
        #expect(
          refused.status == status && refused.err.contains(sentence), "\(words): \(refused.status) \(refused.err)")
        #expect(!atelier.has("run"), "\(words)")
      }
      try Data([0x61, 0xFF, 0xFE]).write(to: URL(fileURLWithPath: "\(atelier.folder)/set/sea.txt"))
      let damaged = try atelier.run("train", "set", "--base", base, "--run", "run")
      #expect(damaged.status == 65 && damaged.err.contains("sea.txt can't be read"), "\(damaged.err)")
    }
  }
}
