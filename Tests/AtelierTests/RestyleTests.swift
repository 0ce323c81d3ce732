import Foundation
import Media
import Testing

/// `restyle` as an artist runs it, with features of random weights, which need no download.
@Suite struct RestyleTests {
  private static let fixtures = Binary.root + "/Tests/Fixtures"
  private static let style = fixtures + "/violin.png"
  private static let quick = [
    "--method", "optimise", "--network", "random", "--size", "64", "--steps", "2", "--loss", "gram",
  ]

  private func restyle(_ atelier: Binary, _ content: String, _ more: [String], out: String = "out.png") throws
    -> Binary.Outcome
  {
    try atelier.run(["restyle", content, "--style", Self.style, "--out", out] + Self.quick + more)
  }

  /// JPEG, WebP, grey, 16-bit, CMYK, turned, animated, transparent: each comes out in its shape.
  @Test(arguments: [
    "scene.jpg", "scene.webp", "grey.png", "grey16.png", "cmyk.jpg", "turned6.jpg", "moving.gif", "veil.png",
  ])
  func anyPicture(_ name: String) throws {
    try inFolder { atelier in
      let content = try Picture.load("\(Self.fixtures)/\(name)", Decoding(channels: nil))
      guard min(content.width, content.height) >= 16 else { return }
      let outcome = try restyle(atelier, "\(Self.fixtures)/\(name)", [])
      #expect(outcome.status == 0, "\(outcome.err)")
      let made = try Picture.load("\(atelier.folder)/out.png", Decoding(channels: nil))
      #expect(max(made.width, made.height) == 64 && made.channels == (content.channels == 4 ? 4 : 3))
      let ratio = Double(content.width) / Double(content.height)
      #expect(abs(Double(made.width) / Double(made.height) / ratio - 1) < 0.05)
    }
  }

  /// A start of its own is kept the more, the fewer steps there are, and needs no smaller sizes first.
  @Test(arguments: ["instant", fixtures + "/moving.gif"]) func aStartThatIsPainted(_ start: String) throws {
    try inFolder { atelier in
      let content = "\(Self.fixtures)/scene.jpg"
      let outcome = try restyle(atelier, content, ["--start", start, "--steps", "1", "--json"])
      #expect(outcome.status == 0 && outcome.out.contains("\"steps\":1,"), "\(outcome.err)\(outcome.out)")
      #expect(try restyle(atelier, content, [], out: "other.png").status == 0)
      let (one, other) = try (
        Picture.load("\(atelier.folder)/out.png", Decoding()), Picture.load("\(atelier.folder)/other.png", Decoding())
      )
      #expect([one.width, one.height] == [other.width, other.height] && one.bytes != other.bytes)
    }
  }

  /// Steps of the optimisation follow a pass, as many as somebody wishes for, and where they take seconds.
  @Test func stepsFollowAPass() throws {
    try inFolder { atelier in
      let scene = try Picture.load("\(Self.fixtures)/scene.jpg")
      try scene.resampled(width: 96, height: 72).write("\(atelier.folder)/small.png")
      try scene.resampled(width: 1100, height: 40).write("\(atelier.folder)/wide.png")
      func paint(_ content: String, _ more: [String]) throws -> (bytes: [UInt8], out: String) {
        let outcome = try atelier.run(
          [
            "restyle", content, "--style", Self.style, "--out", "out.png", "--force", "--network", "random", "--json",
          ] + more)
        #expect(outcome.status == 0, "\(outcome.err)")
        return (try Picture.load("\(atelier.folder)/out.png").bytes, outcome.out)
      }
      let pass = try paint("small.png", ["--steps", "0"]), forty = try paint("small.png", [])
      let three = try paint("small.png", ["--steps", "3"])
      #expect(pass.out.contains("\"steps\":1,") && forty.out.contains("\"steps\":41,"))
      #expect(three.out.contains("\"steps\":4,"))
      #expect(pass.bytes != three.bytes && three.bytes != forty.bytes)
      #expect(try paint("small.png", ["--quick"]).bytes == paint("small.png", ["--steps", "8"]).bytes)
      // More than 1 lets go of the content, in the steps.
      #expect(try paint("small.png", ["--steps", "3", "--strength", "4"]).bytes != three.bytes)
      // Where no steps follow, that would change nothing.
      let strong = try atelier.run(
        "restyle", "wide.png", "--style", Self.style, "--size", "1100", "--strength", "4", "--out", "strong.png")
      #expect(strong.status == 64 && strong.err.contains("up to 1"), "\(strong.err)")
      let wide = try paint("wide.png", ["--size", "1100"])
      #expect(wide.out.contains("\"steps\":1,") && wide.out.contains("larger than 1024 px"))
      #expect(try paint("wide.png", ["--size", "1100", "--steps", "1"]).out.contains("\"steps\":2,"))
      // Without a size, as large as the steps are for.
      let reduced = try paint("wide.png", ["--steps", "1"])
      #expect(reduced.out.contains("\"width\":1024") && reduced.out.contains("--size 1100 keeps the size of wide.png"))
      #expect(try paint("wide.png", ["--quick"]).out.contains("\"width\":512"))
      #expect(try paint("wide.png", ["--steps", "0"]).out.contains("\"width\":1100"))
      // Nobody has asked for steps: a pass needs less memory.
      let little = try paint("small.png", ["--memory", "0.1"])
      #expect(little.out.contains("\"steps\":1,") && little.out.contains("steps after the pass are left out"))
      let asked = try atelier.run([
        "restyle", "small.png", "--style", Self.style, "--out", "other.png", "--method", "instant", "--network",
        "random", "--memory", "0.1", "--steps", "4",
      ])
      #expect(asked.status == 69 && asked.err.contains("too few for this size"), "\(asked.err)")
    }
  }

  @Test(arguments: [
    ["--method", "instant", "--steps", "-1"],
    ["--start", "nowhere.png", "--method", "optimise"], ["--strokes", "1"], ["--start", "noise"],
    ["--method", "optimise", "--quick"], ["--quick", "--steps", "3"], ["--steps", "0", "--strength", "2"],
  ]) func whatDoesNotGoTogether(_ options: [String]) throws {
    try inFolder { atelier in
      let outcome = try atelier.run(
        ["restyle", "\(Self.fixtures)/scene.jpg", "--style", Self.style, "--out", "out.png"] + options)
      #expect(outcome.status == (options.contains("nowhere.png") ? 66 : 64), "\(outcome.err)")
    }
  }

  /// WebP is a format of films, too: of a picture a picture is painted.
  @Test func aWebPIsAPicture() throws {
    try inFolder { atelier in
      let outcome = try atelier.run(
        [
          "restyle", "\(Self.fixtures)/scene.jpg", "--style", Self.style, "--out", "out.webp", "--steps", "0", "--size",
          "64",
        ])
      #expect(outcome.status == 0, "\(outcome.err)")
      let bytes = try #require(FileManager.default.contents(atPath: "\(atelier.folder)/out.webp"))
      #expect(bytes.dropFirst(8).starts(with: Array("WEBP".utf8)))
    }
  }

  /// A border around the style is left out, and said; with --keep-frame it is painted.
  @Test func aFrameIsLeftOut() throws {
    try inFolder { atelier in
      let painting = try Picture.load(Binary.root + "/Examples/pictures/starry-night.jpg")
        .resampled(width: 200, height: 159)
      var bytes = [UInt8](repeating: 250, count: 240 * 199 * 3)
      for y in 0..<159 {
        let start = ((y + 20) * 240 + 20) * 3
        bytes.replaceSubrange(start..<start + 600, with: painting.bytes[y * 600..<(y + 1) * 600])
      }
      try Picture(width: 240, height: 199, channels: 3, bytes: bytes).write("\(atelier.folder)/framed.png")
      func painted(_ more: [String]) throws -> (bytes: [UInt8], out: String) {
        let outcome = try atelier.run(
          ["restyle", "\(Self.fixtures)/scene.jpg", "--style", "framed.png", "--out", "out.png", "--force"] + more)
        #expect(outcome.status == 0, "\(outcome.err)")
        return (try Picture.load("\(atelier.folder)/out.png").bytes, outcome.out + outcome.err)
      }
      for method in [Self.quick, ["--steps", "0", "--size", "64"]] {
        let (without, with) = (try painted(method), try painted(method + ["--keep-frame"]))
        #expect(without.bytes != with.bytes && !with.out.contains("frame"), "\(with.out)")
        let words = "The frame around framed.png is left out: --keep-frame paints it, too."
        #expect(without.out.ranges(of: words).count == 1, "\(without.out)")
      }
    }
  }

  @Test func alphaIsKept() throws {
    try inFolder { atelier in
      let size = 64
      var bytes: [UInt8] = []
      for y in 0..<size { for x in 0..<size { bytes += [UInt8(4 * x), UInt8(4 * y), 90, UInt8((x * y) % 256)] } }
      let content = Picture(width: size, height: size, channels: 4, bytes: bytes)
      try content.write("\(atelier.folder)/veil.png")
      #expect(try restyle(atelier, "veil.png", []).status == 0)
      let made = try Picture.load("\(atelier.folder)/out.png", Decoding(channels: nil))
      let alpha = { (p: Picture) in stride(from: 3, to: p.bytes.count, by: 4).map { p.bytes[$0] } }
      #expect(alpha(made) == alpha(content))
    }
  }

  @Test func outsideAMaskNothingChanges() throws {
    try inFolder { atelier in
      let size = 64
      let content = try Picture.load("\(Self.fixtures)/scene.jpg").resampled(width: size, height: size)
      try content.write("\(atelier.folder)/content.png")
      let bytes = (0..<size * size).map { UInt8($0 % size < 32 ? 255 : 0) }
      try Picture(width: size, height: size, channels: 1, bytes: bytes).write("\(atelier.folder)/mask.png")
      let outcome = try restyle(atelier, "content.png", ["--mask", "mask.png"])
      #expect(outcome.status == 0, "\(outcome.err)")
      let made = try Picture.load("\(atelier.folder)/out.png")
      var (inside, outside) = (0, 0)
      for y in 0..<size {
        for x in 0..<size where Array(made[x, y]) != Array(content[x, y]) {
          inside += x < 32 ? 1 : 0
          outside += x < 32 ? 0 : 1
        }
      }
      #expect(outside == 0 && inside > 1000)
    }
  }

  /// A mask that fades: exactly the content where it is black, and no more than its share of the change elsewhere.
  @Test func aFeatherFades() throws {
    try inFolder { atelier in
      let size = 64
      let content = try Picture.load("\(Self.fixtures)/scene.jpg").resampled(width: size, height: size)
      try content.write("\(atelier.folder)/content.png")
      // White to x = 16, black from 48.
      let share = { (x: Int) in min(1, max(0, Double(48 - x) / 32)) }
      let bytes = (0..<size * size).map { UInt8((255 * share($0 % size)).rounded()) }
      try Picture(width: size, height: size, channels: 1, bytes: bytes).write("\(atelier.folder)/mask.png")
      #expect(try restyle(atelier, "content.png", ["--mask", "mask.png"]).status == 0)
      let made = try Picture.load("\(atelier.folder)/out.png")
      var (change, count) = ([Double](repeating: 0, count: 4), [Double](repeating: 0, count: 4))
      for y in 0..<size {
        for x in 0..<size {
          let difference = zip(made[x, y], content[x, y]).map { abs(Int($0) - Int($1)) }
          // A pixel can't change by more than the mask lets through.
          #expect(Double(difference.max()!) <= 255 * share(x) + 1)
          change[x / 16] += Double(difference.reduce(0, +))
          count[x / 16] += 1
        }
      }
      let mean = zip(change, count).map { $0 / $1 }
      #expect(mean[3] == 0 && mean[2] > 0 && mean[2] < mean[1] && mean[1] < mean[0] * 1.1, "\(mean)")
    }
  }

  /// How far the shares of hues are apart, in 18 bins, where both pictures are coloured: 0 to 1.
  private func distanceOfHues(_ a: Picture, _ b: Picture) -> Double {
    var bins = [[Double]](repeating: [Double](repeating: 0, count: 18), count: 2)
    for i in stride(from: 0, to: a.bytes.count, by: 3) {
      let hues = [a, b].map { picture -> Double? in
        let c = picture.bytes[i..<i + 3].map(Double.init)
        // Of pale colours, rounding to 8 bits leaves no hue.
        guard let high = c.max(), let low = c.min(), high - low > 20 else { return nil }
        let parts = [c[1] - c[2], 2 * (high - low) + c[2] - c[0], 4 * (high - low) + c[0] - c[1]]
        return (parts[c.firstIndex(of: high)!] / (high - low) + 6).truncatingRemainder(dividingBy: 6)
      }
      guard let first = hues[0], let second = hues[1] else { continue }
      bins[0][Int(first * 3) % 18] += 1
      bins[1][Int(second * 3) % 18] += 1
    }
    let count = bins[0].reduce(0, +)
    return zip(bins[0], bins[1]).map { abs($0 - $1) }.reduce(0, +) / 2 / max(count, 1)
  }

  @Test func huesStay() throws {
    try inFolder { atelier in
      let content = try Picture.load("\(Self.fixtures)/scene.jpg").resampled(width: 64, height: 64)
      try content.write("\(atelier.folder)/content.png")
      func distance(_ arguments: [String]) throws -> Double {
        let paint = ["restyle", "content.png", "--style", Self.style, "--out", "out.png", "--force"]
        #expect(try atelier.run(paint + arguments).status == 0)
        return distanceOfHues(content, try Picture.load("\(atelier.folder)/out.png"))
      }
      for method in [Self.quick, ["--method", "instant", "--size", "64", "--network", "random", "--steps", "5"]] {
        let (kept, free) = (try distance(method + ["--colours", "content"]), try distance(method))
        #expect(kept < 0.05 && free > 4 * kept, "\(kept), \(free)")
      }
    }
  }

  @Test func coloursOfTheContentStay() throws {
    try inFolder { atelier in
      let content = try Picture.load("\(Self.fixtures)/scene.jpg").resampled(width: 64, height: 64)
      try content.write("\(atelier.folder)/content.png")
      #expect(try restyle(atelier, "content.png", ["--colours", "content"]).status == 0)
      let made = try Picture.load("\(atelier.folder)/out.png")
      // Red less blue is what a change of brightness leaves, where nothing is cut off at white or black.
      var far = 0
      for i in stride(from: 0, to: made.bytes.count, by: 3) {
        let difference = { (p: Picture) in Int(p.bytes[i]) - Int(p.bytes[i + 2]) }
        let isCut = made.bytes[i..<i + 3].contains { $0 == 0 || $0 == 255 }
        if !isCut && abs(difference(made) - difference(content)) > 1 { far += 1 }
      }
      #expect(far == 0)
    }
  }

  @Test func aFileSaysHowItWasMade() throws {
    try inFolder { atelier in
      let outcome = try restyle(atelier, "\(Self.fixtures)/scene.jpg", ["--json"])
      let events = try outcome.lines()
      #expect(events.last?["event"] as? String == "finished" && events.last?["steps"] as? Int == 4)
      let file = try Data(contentsOf: URL(fileURLWithPath: "\(atelier.folder)/out.png"))
      let text = String(decoding: file, as: UTF8.self)
      #expect(text.contains("scene.jpg") && text.contains("violin.png"))
      #expect(text.contains("compositeWithTrainedAlgorithmicMedia"))
      let again = try restyle(atelier, "\(Self.fixtures)/scene.jpg", [])
      #expect(again.status == 73 && again.err.contains("is there already"))
      #expect(try restyle(atelier, "\(Self.fixtures)/scene.jpg", ["--force"]).status == 0)
    }
  }

  @Test func mistakes() throws {
    try inFolder { atelier in
      func expect(_ content: String, _ more: [String] = [], says: String, exit: Int32) throws {
        let outcome = try restyle(atelier, content, more)
        #expect(outcome.status == exit && outcome.err.contains(says), "\(outcome.err)")
        #expect(!atelier.has("out.png"))
      }
      let scene = "\(Self.fixtures)/scene.jpg"
      try expect("nowhere.jpg", says: "nowhere.jpg isn't there: check the name.", exit: 66)
      try expect("\(Self.fixtures)/short.png", says: "is cut short: copy it again", exit: 65)
      try expect("\(Self.fixtures)/one.png", says: "too small to have a style", exit: 65)
      try expect("\(Self.fixtures)/bomb.png", says: "more than 100 megapixels", exit: 65)
      try expect(scene, ["--network", "vgg99"], says: "There is no network 'vgg99'", exit: 69)
      try expect(scene, ["--weights", "1,2"], says: "There are 2 weights for 1 style", exit: 64)
      try expect(scene, ["--strength", "0"], says: "--strength can't be 0.0", exit: 64)
      try expect(scene, ["--resume"], says: "There is no unfinished work", exit: 66)
      try expect(scene, ["--size", "4096", "--memory", "0.5"], says: "too few for this size", exit: 69)
      try expect(scene, ["--out", "folder/out.png"], says: "The folder for folder/out.png isn't there", exit: 73)
    }
  }

  /// Killed at any moment, `--resume` gives the picture that an undisturbed run gives.
  @Test func aKilledWorkGoesOn() throws {
    try inFolder { atelier in
      let settings = ["--steps", "12", "--save-every", "0"]
      #expect(try restyle(atelier, "\(Self.fixtures)/scene.jpg", settings, out: "whole.png").status == 0)
      var wasKilled = 0
      for wait in [0.6, 1.2, 0.2, 0.1, 0] where wasKilled < 2 {
        let arguments = ["restyle", "\(Self.fixtures)/scene.jpg", "--style", Self.style, "--out", "killed.png"]
        let running = try atelier.start(arguments + Self.quick + settings + ["--force"])
        let isSaved = {
          try FileManager.default.contentsOfDirectory(atPath: atelier.folder).contains { $0.hasSuffix(".unfinished") }
        }
        while try running.process.isRunning && !isSaved() { usleep(10_000) }
        usleep(UInt32(wait * 1e6 / 2))
        kill(running.process.processIdentifier, SIGKILL)
        _ = try running.finish(seconds: 10)
        guard try isSaved() else { continue }  // It was done before: sooner, then.
        wasKilled += 1
        let refused = try restyle(atelier, "\(Self.fixtures)/scene.jpg", settings, out: "killed.png")
        #expect(refused.status == 73 && refused.err.contains("go on with it by --resume"))
        let resumed = try restyle(atelier, "\(Self.fixtures)/scene.jpg", settings + ["--resume"], out: "killed.png")
        #expect(resumed.status == 0 && resumed.out.contains("Going on after"), "\(resumed.err)")
        #expect(
          try Picture.load("\(atelier.folder)/killed.png") == Picture.load("\(atelier.folder)/whole.png"))
        #expect(try !isSaved())
        unlink("\(atelier.folder)/killed.png")
      }
      #expect(wasKilled > 0, "it was always faster than the kill")
    }
  }

  @Test func paintedPicturesAreMeasured() throws {
    try inFolder { atelier in
      let scene = "\(Self.fixtures)/scene.jpg"
      let made = try atelier.run("measure", scene, "--content", scene, "--style", Self.style, "--json")
      #expect(made.status == 0, "\(made.err)")
      #expect(made.out.contains(#""structure":1"#) && made.out.contains(#""perceptualDistance":0"#), "\(made.out)")
      // A painting is looked at as large as what was painted: its own half is of its style.
      let picture = try Picture.load(scene)
      try picture.resampled(width: picture.width / 2, height: picture.height / 2).write("\(atelier.folder)/half.png")
      func distance(to style: String) throws -> Double {
        let out = try atelier.run("measure", "half.png", "--content", "half.png", "--style", style, "--json").out
        let part = try #require(out.firstRange(of: "\"styleDistance\":").map { out[$0.upperBound...] })
        return try #require(Double(part.prefix { $0.isNumber || ".-e+".contains($0) }))
      }
      #expect(try distance(to: scene) < 0.01 * distance(to: Self.style))
      let both = try atelier.run("measure", scene, "--content", scene, "--style", Self.style, "--against", scene)
      #expect(both.status == 64 && both.err.contains("Give --against for made pictures"), "\(both.err)")
      #expect(try atelier.run("measure", scene, "--content", "missing.jpg", "--style", Self.style).status == 66)
    }
  }
}
