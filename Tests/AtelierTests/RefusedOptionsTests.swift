import Foundation
import Testing

/// An option that a verb would take and ignore is refused: an artist would look for what it has changed.
@Suite struct RefusedOptionsTests {
  private static let fixtures = Binary.root + "/Tests/Fixtures"
  private static let scene = fixtures + "/scene.jpg", style = fixtures + "/violin.png"

  private static let restyle = ["restyle", scene]
  private static let clip = ["restyle", Binary.bunny]

  /// Arguments, and options of which each is refused with them.
  private static let cases: [(arguments: [String], out: String, refused: [[String]])] = [
    (
      restyle + ["--with", "run"], "out.png",
      [
        ["--precision", "float32"], ["--network", "random"], ["--loss", "gram"], ["--optimizer", "lbfgs"],
        ["--seed", "0"], ["--style-scale", "1"], ["--save-every", "9"], ["--method", "optimise"], ["--keep-frame"],
      ]
    ),
    (restyle + ["--with", "run", "--style", style], "out.png", [["--method", "optimise"], ["--seed", "1"]]),
    (
      restyle + ["--style", style, "--method", "optimise"], "out.png",
      [["--back"], ["--quick"], ["--seed", "1"], ["--start", "content", "--seed", "1"]]
    ),
    (
      restyle + ["--style", style], "out.png",
      [
        ["--loss", "gram"], ["--optimizer", "adam"], ["--seed", "2"], ["--strokes", "1"], ["--smoothness", "1"],
        ["--start", "instant"], ["--resume"], ["--back"],
      ]
    ),
    (
      clip + ["--style", style], "out.mp4",
      [["--network", "random"], ["--seed", "1"], ["--loss", "gram"], ["--save-every", "1"], ["--back"]]
    ),
    (
      clip + ["--style", style, "--method", "optimise"], "out.mp4",
      [["--memory", "4"], ["--start", "instant"], ["--seed", "3"], ["--with", "run"]]
    ),
    (
      clip + ["--with", "run"], "out.mp4", [["--weights", "1"], ["--precision", "float32"], ["--style-scale", "2"]]
    ),
    (
      ["vary", scene, "--with", "emoji-diffusion"], "out.png",
      [
        ["--size", "64"], ["--diversity", "1"], ["--shape", "2:1"], ["--completeness", "1"], ["--loop"],
        ["--codec", "h264"],
      ]
    ),
    (["vary", scene, "--structure", style], "out.png", [["--seeds", "4"], ["--diversity", "3"]]),
    (["generate", "emoji", "--seeds", "0"], "out", [["--steps", "4"], ["--mix-at", "1"], ["--ground", "black"]]),
    (["film", "emoji", "--preview"], "out.png", [["--codec", "h264"], ["--resume"]]),
    (["film", "emoji"], "out.mp4", [["--ease", "hold"], ["--path", "spline", "--seeds", "1,2", "--wave", "1"]]),
    (["animate", style, "--with", Binary.bunny], "out.png", [["--fps", "10"], ["--codec", "h264"], ["--resume"]]),
    (["sliders", "emoji"], "", [["--seed", "3"]]),
    (
      ["measure", Binary.bunny], "",
      [["--samples", "100"], ["--nearest", "x.png"], ["--path-length"], ["--size", "32"], ["--class", "cat"]]
    ),
    (["measure", scene, "--content", scene, "--style", style], "", [["--features", "vgg16"], ["--real", "20"]]),
    (["measure", "motion", "--against", fixtures], "", [["--samples", "100"], ["--crop", "fit"]]),
    (
      ["measure", fixtures, "--against", fixtures], "", [["--samples", "100"], ["--path-length"], ["--frame", "8x8"]]
    ),
  ]

  @Test(arguments: cases.indices) func eachIsRefused(_ number: Int) throws {
    let (arguments, out, refused) = Self.cases[number]
    try inFolder { atelier in
      for options in refused {
        let outcome = try atelier.run(arguments + (out.isEmpty ? [] : ["--out", out]) + options)
        #expect(outcome.status == 64, "\(arguments) \(options): \(outcome.status) \(outcome.err)")
        let option = options.last { $0.hasPrefix("--") }!
        #expect(outcome.err.contains(option), "\(options): \(outcome.err)")
        #expect(out.isEmpty || !atelier.has(out))
      }
    }
  }

  /// Sliders that are there are only looked for again when somebody says so.
  @Test func slidersAreNotLookedForUnasked() throws {
    try inFolder { atelier in
      #expect(try atelier.run("sliders", "emoji", "--count", "2").status == 0)
      let again = try atelier.run("sliders", "emoji", "--count", "3")
      #expect(again.status == 64 && again.err.contains("add --find ganspace"), "\(again.err)")
      #expect(try atelier.run("sliders", "emoji", "--find", "ganspace", "--count", "3").status == 0)
    }
  }

  /// A run that goes on has what it was begun with: the same may be said again, another thing not.
  @Test func aResumedRunKeepsWhatItHas() throws {
    try inFolder { atelier in
      try atelier.train("run", "--seed", "5", "--crop", "fit", "--ground", "black")
      let resume = ["train", "--resume", "--run", "run", "--pictures-seen", "12"]
      let others = [
        ["--channels", "1"], ["--crop", "centre"], ["--ground", "white"], ["--seed", "0"], ["--preset", "small"],
        ["--frame", "16x16"], ["--size", "64"], ["--recipe", "r3gan"], ["--from", "emoji"], ["--width", "8"],
      ]
      for other in others {
        let outcome = try atelier.run(resume + other)
        #expect(
          outcome.status == 64 && outcome.err.hasPrefix("atelier: "), "\(other): \(outcome.status) \(outcome.err)")
      }
      let same = ["--channels", "3", "--crop", "fit", "--ground", "black", "--seed", "5", "--size", "32"]
      let outcome = try atelier.run(resume + same)
      #expect(outcome.status == 0, "\(outcome.err)")
    }
  }
}
