import Foundation
import LargeModels
import Media
import TestSupport
import Testing
import Torch

/// Pictures that large models go on with: outpainting, ControlNets, enlarging.
@Suite(.serialized) struct LargeEditTests {
  private static let fixtures = Binary.root + "/Tests/Fixtures"
  private let small = SmallModels()
  private let quick = ["--steps", "3", "--sampler", "euler-a", "--precision", "float32"]

  private func words(_ path: String) throws -> [String: String] {
    Dictionary(try #require(PNG.text(FileBytes.read(path))).map { ($0.key, $0.value) }) { first, _ in first }
  }

  /// All pixels of the picture stay where they were, whatever sides grow, by numbers that no model draws at.
  @Test(arguments: ["scene.jpg", "veil.png", "grey.png"]) func aPictureGrows(_ name: String) throws {
    try inFolder { atelier in
      let model = try small.folder("sd1"), path = "\(Self.fixtures)/\(name)"
      let own = try Picture.load(path, Decoding(channels: nil))
      let made = try atelier.run(
        [
          "fill", path, "--extend", "left:13,top:5,bottom:1", "--with", model, "--prompt", "a cat", "--seeds", "3",
          "--out",
          "wide.png",
        ] + quick)
      #expect(made.status == 0, "\(made.err)")
      let wide = try Picture.load("\(atelier.folder)/wide.png", Decoding(channels: nil))
      #expect(wide.width == own.width + 13 && wide.height == own.height + 6 && wide.channels == own.channels)
      let stays = (0..<own.height).allSatisfy { y in
        (0..<own.width).allSatisfy { x in wide[x + 13, y + 5] == own[x, y] }
      }
      #expect(stays)
      // What is new can be seen, and isn't the edge repeated.
      let left = (0..<wide.height).flatMap { y in (0..<13).map { x in Array(wide[x, y]) } }
      #expect(Set(left).count > 20)
      if own.channels == 4 { #expect(left.allSatisfy { $0[3] == 255 }) }
      let words = try words("\(atelier.folder)/wide.png")
      #expect(words["Extended"] == "left:13,top:5,bottom:1" && words["Prompt"] == "a cat", "\(words)")
      let again = try atelier.run("generate", model, "--again", "wide.png", "--out", "x")
      #expect(again.status == 65 && again.err.contains("drawn over another picture"), "\(again.err)")
    }
  }

  @Test func growingIsAskedForProperly() throws {
    try inFolder { atelier in
      let model = try small.folder("sd1"), scene = "\(Self.fixtures)/scene.jpg"
      let fill = ["fill", scene, "--out", "x.png"]
      let large = ["--with", model, "--prompt", "x"]
      for (words, sentence) in [
        (["--extend", "left:0"] + large, "--extend can't be 'left:0'"), (["--extend", "up:4"] + large, "'up:4'"),
        (["--extend", "left:4,left:8"] + large, "'left:4,left:8'"), (["--extend", "left"] + large, "left:256,top:64"),
        (["--extend", "left:4", "--mask", scene] + large, "--mask would change nothing"),
        (["--extend", "left:4", "--mask-fit", "crop"] + large, "--mask-fit would change nothing"),
        (["--extend", "left:4"], "--extend would change nothing without --with"),
        (["--extend", "left:4", "--with", "emoji-diffusion"], "--extend would change nothing for emoji-diffusion"),
        (large, "Give --mask"), ([], "Give --mask"),
      ] {
        let refused = try atelier.run(fill + words)
        #expect(refused.status == 64 && refused.err.contains(sentence), "\(words): \(refused.err)")
        #expect(!atelier.has("x.png"))
      }
    }
  }

  private func controlNet(_ kind: String, _ atelier: Binary, changed: Bool = false) throws -> String {
    let path = "\(atelier.folder)/\(kind)\(changed ? "-other" : "").safetensors"
    var weights = SmallModels.weights("\(kind)/controlnet")
    if changed {
      for (name, tensor) in weights where name.contains("controlnet_mid_block") { weights[name] = tensor * 4 }
    }
    try Safetensors.write(weights, to: path)
    return path
  }

  /// As the library draws it: the photo's edges, found at the size that is drawn.
  @Test func aPhotoIsRedrawnAlongItsEdges() throws {
    try inFolder { atelier in
      let model = try small.folder("sd1"), parrot = "\(Self.fixtures)/parrot.png"
      let net = try controlNet("sd1", atelier)
      let common = ["restyle", parrot, "--with", model, "--prompt", "ink", "--size", "64", "--seed", "5"] + quick
      func made(_ name: String, _ more: [String]) throws -> Picture {
        let outcome = try atelier.run(common + more + ["--out", name])
        #expect(outcome.status == 0, "\(more): \(outcome.err)")
        return try Picture.load("\(atelier.folder)/\(name)")
      }
      let plain = try made("plain.png", ["--strength", "0.9"])
      let steered = try made("steered.png", ["--strength", "0.9", "--control", "sd1.safetensors:edges:0.8"])
      #expect(steered != plain && max(steered.width, steered.height) == 64)

      let photo = try Picture.load(parrot, Decoding())
      let source = photo.resampled(width: steered.width, height: steered.height)
      var request = DrawingRequest(prompt: "ink")
      (request.steps, request.sampler, request.strength) = (3, .eulerAncestral, 0.9)
      request.picture = source.signed(channels: 3, on: .cpu)
      request.controls = [ControlPicture(picture: edges(of: source.colours(on: .cpu)), strength: 0.8)]
      let pipeline = try DrawingPipeline(LargeModel(model), precision: .float32, controls: [ControlModel(net)])
      #expect(try Picture(pipeline.draw(request, seed: 5)[0]) == steered)

      // A part of the steps counts in part; a map that is given counts as the edges do.
      let part = try made("part.png", ["--strength", "0.9", "--control", "sd1.safetensors:edges:0.8:0-0.5"])
      #expect(part != steered && part != plain)
      try Picture(edges(of: source.colours(on: .cpu))[0] * 2 - 1).write("\(atelier.folder)/map.png", text: [])
      #expect(try made("given.png", ["--strength", "0.9", "--control", "sd1.safetensors:map.png:0.8"]) == steered)
      let words = try words("\(atelier.folder)/steered.png")
      #expect(words["Control"]?.hasPrefix("sd1.safetensors:edges:0.8:0.0-1.0 sha256:") == true, "\(words)")
      #expect(
        words["parameters"]?.contains("ControlNet 0: \"Module: canny, Model: sd1, Weight: 0.8") == true, "\(words)")

      // Without a photo, and two at once.
      _ = try controlNet("sd1", atelier, changed: true)
      let generated = try atelier.run(
        [
          "generate", model, "--prompt", "ink", "--size", "64", "--control", "sd1.safetensors:map.png", "--control",
          "sd1-other.safetensors:map.png:0.5", "--out", "drawn",
        ] + quick)
      #expect(generated.status == 0, "\(generated.err)")
      let again = try atelier.run("generate", model, "--again", "drawn/seed-0000.png", "--out", "x")
      #expect(again.status == 65 && again.err.contains("was steered by a ControlNet"), "\(again.err)")
    }
  }

  @Test func whatCantSteerIsSaid() throws {
    try inFolder { atelier in
      let model = try small.folder("sd1"), parrot = "\(Self.fixtures)/parrot.png"
      _ = try controlNet("xl", atelier)
      _ = try controlNet("sd1", atelier)
      let layer = "lora_unet_mid_block_attentions_0_proj_in"
      try Safetensors.write(
        ["\(layer).lora_down.weight": SmallModels.drawn("down", [4, 64, 1, 1])],
        to: "\(atelier.folder)/lora.safetensors")
      let restyle = ["restyle", parrot, "--with", model, "--prompt", "ink", "--out", "x.png"]
      let generate = ["generate", model, "--prompt", "ink", "--out", "x"]
      for (kind, family) in [("xl", "SDXL"), ("sd1", "SD 1.x")] {
        let found = try atelier.run("models", "inspect", "\(kind).safetensors", "--json")
        let facts = try #require(found.lines().last)
        #expect(facts["task"] as? String == "ControlNet" && facts["family"] as? String == family, "\(found.err)")
      }
      for (words, status, sentence) in [
        (restyle + ["--control", "xl.safetensors:edges"], 65, "was made for SDXL, but the model is SD 1.x"),
        (restyle + ["--control", "lora.safetensors:edges"], 65, "is no ControlNet"),
        (restyle + ["--control", "none.safetensors:edges"], 66, "There is no file or folder"),
        (restyle + ["--control", "sd1.safetensors:none.png"], 66, "none.png"),
        (restyle + ["--control", "sd1.safetensors"], 64, "--control can't be 'sd1.safetensors'"),
        (restyle + ["--control", "sd1.safetensors:edges:11"], 64, "--control can't be"),
        (restyle + ["--control", "sd1.safetensors:edges:1:0.6-0.2"], 64, "--control can't be"),
        (restyle + ["--style", parrot], 64, "--style would change nothing"),
        (restyle + ["--colours", "content"], 64, "--colours would change nothing"),
        (restyle + ["--quick"], 64, "--quick would change nothing"),
        (restyle + ["--precision", "half"], 64, "--precision"),
        (restyle + ["--strength", "2"], 64, "--strength can't be 2"),
        (generate + ["--control", "sd1.safetensors:edges"], 64, "Edges are found in the photo of `restyle`"),
        (["generate", "emoji", "--out", "x", "--control", "a:b"], 64, "--control would change nothing for emoji"),
        (
          ["restyle", parrot, "--style", parrot, "--out", "x.png", "--control", "a:b"], 64,
          "--control would change nothing"
        ),
        (
          ["restyle", parrot, "--style", parrot, "--out", "x.png", "--prompt", "b"], 64, "--prompt would change nothing"
        ),
        (
          ["restyle", parrot, "--style", parrot, "--out", "x.png", "--guidance", "3"], 64,
          "--guidance would change nothing"
        ),
        (["restyle", Binary.bunny, "--with", model, "--prompt", "b", "--out", "x.mp4"], 64, "and no films"),
      ] as [([String], Int32, String)] {
        let refused = try atelier.run(words)
        #expect(
          refused.status == status && refused.err.contains(sentence), "\(words): \(refused.status) \(refused.err)")
        #expect(!atelier.has("x.png") && !atelier.has("x") && !atelier.has("x.mp4"))
      }
    }
  }

  /// A picture larger than what the model was trained on, drawn in squares: nowhere do their borders show.
  @Test func aPictureIsEnlargedWithoutSeams() throws {
    try inFolder { atelier in
      let model = try small.folder("sd1")
      // Soft waves, whose own neighbours are nearly alike.
      let bytes = (0..<60 * 100).flatMap { place -> [UInt8] in
        let (x, y) = (Double(place % 100), Double(place / 100))
        return [sin(x / 15), cos(y / 12), sin((x + y) / 25)].map { UInt8(127.5 + 100 * $0) }
      }
      try Picture(width: 100, height: 60, channels: 3, bytes: bytes).write("\(atelier.folder)/waves.png", text: [])
      let made = try atelier.run(
        [
          "enlarge", "waves.png", "--with", model, "--prompt", "waves", "--strength", "0.6", "--seed", "2", "--out",
          "large.png",
        ]
          + ["--json"] + ["--steps", "5", "--sampler", "euler", "--precision", "float32"])
      #expect(made.status == 0, "\(made.err)")
      #expect(try made.lines().last { $0["event"] as? String == "progress" }?["total"] as? Int == 3)
      let large = try Picture.load("\(atelier.folder)/large.png")
      #expect(large.width == 200 && large.height == 120)
      // The mean step from one column, or row, to the next.
      let pixels = large.unit()
      func jumps(_ dim: Int) -> [Double] {
        let count = pixels.size(dim)
        return (1..<count).map { i in
          abs(pixels.narrowed(dim: dim, from: i, count: 1) - pixels.narrowed(dim: dim, from: i - 1, count: 1)).mean()
            .item()
        }
      }
      // Latents of 25 × 15 in squares of 8 that share 2: their first and last columns and rows, in pixels.
      for (dim, starts) in [(2, [0, 6, 11, 17]), (1, [0, 4, 7])] {
        let all = jumps(dim)
        let borders = Set((starts.dropFirst() + starts.map { $0 + 8 }.dropLast()).map { $0 * 8 - 1 })
        let elsewhere = all.indices.filter { !borders.contains($0) }.map { all[$0] }.sorted()
        for border in borders { #expect(all[border] <= elsewhere.last!, "\(dim): \(border) of \(all)") }
        let mean = borders.map { all[$0] }.reduce(0, +) / Double(borders.count)
        // Latents are 8 px wide, and all of these lie between two: the mean may be a little above that of all.
        #expect(mean < 1.5 * elsewhere.reduce(0, +) / Double(elsewhere.count), "\(dim): \(mean) \(elsewhere)")
      }
      let words = try words("\(atelier.folder)/large.png")
      #expect(
        words["Enlarged"] == "2 times" && words["Source"] == "waves.png" && words["Prompt"] == "waves", "\(words)")

      // What a model sees at once is image to image.
      let corner = try Picture.load("\(Self.fixtures)/veil24.png", Decoding(channels: nil)).resampled(
        width: 31, height: 20)
      try corner.write("\(atelier.folder)/corner.png", text: [])
      let small = try atelier.run(
        ["enlarge", "corner.png", "--with", model, "--prompt", "waves", "--strength", "0.7", "--out", "two.png"] + quick
      )
      #expect(small.status == 0, "\(small.err)")
      let two = try Picture.load("\(atelier.folder)/two.png", Decoding(channels: nil))
      let plain = corner.resampled(width: 62, height: 40)
      #expect(two.width == 62 && two.height == 40 && two.channels == corner.channels)
      if two.channels == 4 { #expect(two.tensor[3].isEqual(to: plain.tensor[3])) }
      var request = DrawingRequest(prompt: "waves")
      (request.steps, request.sampler, request.strength) = (3, .eulerAncestral, 0.7)
      request.picture = pad(plain.flattened(on: .white).signed(channels: 3, on: .cpu), [0, 2, 0, 0], mode: .replicate)
      let drawn = try DrawingPipeline(LargeModel(model), precision: .float32).draw(request, seed: 0)
      let theirs = Picture(drawn[0].narrowed(dim: 2, from: 0, count: 62)).unit()
      // The change is added to the picture's own 8 bits: rounding. Where it is half transparent, it is of what shows.
      let isOpaque = two.channels == 4 ? two.unit()[3..<4].equal(to: 1).to(.float32) : Tensor.ones([1])
      #expect((abs(two.unit()[0..<3] - theirs) * isOpaque).max().item() < 1.5 / 255)
    }
  }

  @Test func whatCantBeEnlargedIsSaid() throws {
    try inFolder { atelier in
      let model = try small.folder("sd1"), scene = "\(Self.fixtures)/scene.jpg"
      let enlarge = ["enlarge", scene, "--out", "x.png"], large = enlarge + ["--with", model, "--prompt", "x"]
      for (words, status, sentence) in [
        (large + ["--model", "waifu2x-photo"], 64, "--model would change nothing"),
        (large + ["--shard", "1/2"], 64, "--shard would change nothing"),
        (large + ["--scale", "5"], 64, "--scale"),
        (large + ["--strength", "0"], 64, "--strength"),
        (large + ["--strength", "0.1", "--steps", "5"], 64, "none is left"),
        (large + ["--precision", "half"], 64, "--precision can't be 'half'"),
        (enlarge + ["--with", model], 64, "say what by --prompt"),
        (enlarge + ["--prompt", "x"], 64, "--prompt would change nothing"),
        (enlarge + ["--seed", "3"], 64, "--seed would change nothing"),
        (enlarge + ["--with", "emoji", "--prompt", "x"], 66, "emoji draws no pictures by words"),
        (["enlarge", Binary.bunny, "--with", model, "--prompt", "x", "--out", "x.mp4"], 64, "and no films"),
        (
          enlarge + ["--with", try small.folder("sd1", unet: "inpaint"), "--prompt", "x"], 64, "is for inpainting"
        ),
      ] as [([String], Int32, String)] {
        let refused = try atelier.run(words)
        #expect(
          refused.status == status && refused.err.contains(sentence), "\(words): \(refused.status) \(refused.err)")
        #expect(!atelier.has("x.png"))
      }
    }
  }
}
