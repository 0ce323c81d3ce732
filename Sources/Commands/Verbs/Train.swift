import ArgumentParser
import Foundation
import Media
import Workshop

import enum Training.Ending
import enum Training.Length
import struct Training.Checkpoint
import struct Torch.PictureSize
import struct Training.Report

struct Train: ParsableCommand {
  private static var recipeLines: String {
    // Only an unknown name is an error.
    (try! recipeReference()).map { "  \($0.name): \($0.summary)" }.joined(separator: "\n")
  }

  static let configuration = CommandConfiguration(
    abstract: "Train a generator on a folder of pictures.",
    discussion: """
      Ctrl-C saves and stops; --resume continues. Recipes:
      \(recipeLines)
      Any other --key value changes a setting of the recipe; an unknown one lists all of them.
      """)

  @Argument(
    help: ArgumentHelp(
      "A folder, a zip or tar file, or a picture. With --resume: the run's own.", valueName: "pictures"))
  var pictures: String?

  @Option(
    help: ArgumentHelp(
      "The second set, for recipes that learn to change one set into another.", valueName: "pictures"))
  var towards: String?

  @Option(
    name: .customLong("run"),
    help: ArgumentHelp(
      "The run's folder, or with --resume its name. (default: a new one in the workspace)", valueName: "dir"))
  var folder: String?

  @Option(
    help: ArgumentHelp(
      "Fine-tune: start from the weights of this run or model.", valueName: "run"))
  var from: String?

  @Option(
    help: ArgumentHelp(
      "The model family and how it trains. (default: \(RecipesThat.areChosen.first); \(RecipesThat.areChosen.last) for drawings with flat parts, --crop pieces or --preset)",
      valueName: "name"))
  var recipe: String?

  @Option(
    help: ArgumentHelp(
      "For the recipe lora: the large model that learns, a file, a folder or a name of `models add`.",
      valueName: "name"))
  var base: String?

  @Option(help: ArgumentHelp("A set of settings of the recipe. (default: chosen for this machine)", valueName: "name"))
  var preset: String?

  @Option(
    help: ArgumentHelp(
      "auto, folders (or labels.csv, dataset.json), none, or a number: so many are found in the pictures. (default: auto)",
      valueName: "how"))
  var classes: ClassChoice?

  @Option(
    help: ArgumentHelp(
      "Size of the pictures in pixels: 64 for squares, or 192x128. (default: the recipe's, in the shape of most pictures)",
      valueName: "px"))
  var size: PictureSize?

  @Option(help: ArgumentHelp("1 for grey, 3 for colour, 4 with transparency.", valueName: "n"))
  var channels: Int?

  @Option(
    help: ArgumentHelp(
      "How a picture comes to that size: centre (crop), fit (pad), or pieces (tiles of its own pixels, for textures).",
      valueName: "how"))
  var crop = Asked(Decoding.Crop.centre)

  @Option(
    help: ArgumentHelp(
      "Background colour under transparent pictures: white, black, grey or ff8800.", valueName: "colour"))
  var ground = Asked(Ground.white)

  @Option(
    help: ArgumentHelp(
      "For the recipe motion: the pictures are sprite sheets with frames of this size, a sequence a row.",
      valueName: "72x72"))
  var frame: PictureSize?

  @Option(help: ArgumentHelp("Minutes to train, in all.", valueName: "n"))
  var minutes: Double?

  @Option(help: ArgumentHelp("Pictures to train on in all, repeats counted, such as 200k or 1.5M.", valueName: "n"))
  var picturesSeen: Count?

  @Flag(help: "Continue the run that --run names.")
  var resume = false

  @Flag(
    help: "With --resume: bring the run to its end now, with falling learning rates, in a third of its time so far.")
  var finish = false

  @Option(help: ArgumentHelp("Random seed.", valueName: "n"))
  var seed = Asked<UInt64>(0)

  @Option(help: ArgumentHelp("Seconds between checkpoints. (default: 120)", valueName: "s"))
  var saveEvery: Double?

  @Flag(help: "Don't measure KID during training, keep the best checkpoint, or stop early when it gets worse.")
  var noBest = false

  @Option(
    help: ArgumentHelp(
      "Processes of this machine that train together, sharing every batch. For several machines see docs/scale.md. (default: 1, or what torchrun started)",
      valueName: "n"))
  var processes: Int?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("A setting of the recipe; the same as --key value.", valueName: "key=value"))
  var settings: [Setting] = []

  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func validate() throws {
    if minutes != nil && picturesSeen != nil { throw ValidationError("Give --minutes or --pictures-seen, not both.") }
    if let minutes, !(minutes > 0 && minutes < 1e6) { throw ValidationError("--minutes must be more than 0.") }
    try check(size)
    try check(frame, option: "frame")
    if let channels, ![1, 3, 4].contains(channels) { throw ValidationError("--channels must be 1, 3 or 4.") }
    if let saveEvery, !(saveEvery >= 0) { throw ValidationError("--save-every must be 0 or more seconds.") }
    if pictures == nil && !resume { throw ValidationError("Name a folder or a zip file of pictures.") }
    if finish && !resume { throw ValidationError("--finish needs a run that was begun: --resume --run DIR --finish.") }
    if let processes, !(1...256).contains(processes) { throw ValidationError("--processes must be 1 to 256.") }
    if base != nil, let recipe, recipe != "lora" {
      throw ValidationError("--base is for the recipe lora; the recipe \(recipe) begins with another run by --from.")
    }
    if resume && folder == nil { throw ValidationError("Name the run to go on with: --resume --run DIR.") }
  }

  func run() throws {
    if recipe == "lora" || base != nil || (resume && isAdapterRun(folder!, in: common.place)) { return try teach() }
    var request = TrainRequest(pictures: pictures)
    (request.run, request.recipe, request.preset) = (folder, recipe, preset)
    (request.towards, request.from) = (towards, from)
    (request.size, request.channels, request.crop, request.ground) = (size, channels, crop.given, ground.given)
    (request.frame, request.classes) = (frame, classes)
    request.length = minutes.map { .minutes($0) } ?? picturesSeen.map { .pictures($0.value) }
    (request.seed, request.isResumed, request.saveSeconds) = (seed.given, resume, saveEvery)
    request.isFinishing = finish
    request.keepsBest = !noBest
    request.settings = settings.map { ($0.key, $0.value) }
    request.device = try device.resolved()
    let team = try Team(processes)
    if let group = team?.group, !group.isFirst {
      Interruption.watch()
      try joinTraining(in: group, in: common.place, on: request.device) { Interruption.isRequested }
      return Interruption.leaveIfRequested()
    }
    request.group = team?.group
    if Team.isRestarted, let folder, Checkpoint.latest(in: folder + "/checkpoints") != nil {
      // By the words that began the run: the preset's settings and the classes are in it.
      (request.isResumed, request.preset, request.classes) = (true, nil, nil)
    }
    let teller = common.teller(stops: .onceItWorks)
    let trained: Trained
    do {
      trained = try train(request, in: common.place, tell: teller.tell) { Interruption.isRequested }
    } catch {
      team?.dismiss()
      throw error
    }
    team?.finish()
    teller.finish(.train(trained))
  }
}

extension Train {
  /// A LoRA for a large model.
  private func teach() throws {
    let others: [(name: String, isGiven: Bool)] = [
      ("towards", towards != nil), ("from", from != nil), ("preset", preset != nil), ("classes", classes != nil),
      ("channels", channels != nil), ("crop", crop.isGiven), ("frame", frame != nil), ("finish", finish),
      ("no-best", noBest), ("processes", processes != nil),
    ]
    if let other = others.first(where: \.isGiven) {
      throw ValidationError("--\(other.name) isn't for the recipe lora: leave it out.")
    }
    if let size, size.width != size.height {
      throw ValidationError(
        "The recipe lora learns pictures at their own shapes: give --size one number, their mean side.")
    }
    var request = AdapterRequest()
    (request.pictures, request.base, request.run) = (pictures, base, folder)
    request.settings = settings.map { ($0.key, $0.value) }
    (request.side, request.ground, request.seed) = (size?.width, ground.given, seed.given)
    request.length = minutes.map { .minutes($0) } ?? picturesSeen.map { .pictures($0.value) }
    (request.isResumed, request.saveSeconds) = (resume, saveEvery)
    request.device = try device.resolved()
    let teller = common.teller(stops: .onceItWorks)
    let trained = try teachAdapter(request, in: common.place, tell: teller.tell) { Interruption.isRequested }
    teller.finish(.train(trained))
  }

  /// The arguments with each `--key value` that isn't an option of `train` as `--set key=value`, so that a recipe's
  /// settings may stand anywhere. One without a value means true.
  static func settled(_ arguments: [String]) -> [String] {
    let takesValue = options
    var settled: [String] = []
    var rest = arguments[...]
    while let word = rest.popFirst() {
      let name = word.prefix { $0 != "=" }
      if word == "--" { return settled + [word] + rest }
      guard word.hasPrefix("--") else {
        settled.append(word)
        continue
      }
      if let takes = takesValue[String(name)] {
        settled.append(word)
        if takes, name == word, let value = rest.popFirst() { settled.append(value) }
      } else if name != word {
        settled += ["--set", String(word.dropFirst(2))]
      } else if let value = rest.first, !value.hasPrefix("--") {
        settled += ["--set", "\(word.dropFirst(2))=\(value)"]
        rest.removeFirst()
      } else {
        settled += ["--set", "\(word.dropFirst(2))=true"]
      }
    }
    return settled
  }

  /// The options of `train`, as they are typed, and whether each takes a value: as the parser itself describes them.
  private static var options: [String: Bool] {
    struct Description: Decodable {
      struct Name: Decodable {
        let kind: String
        let name: String
      }
      struct Argument: Decodable {
        let kind: String
        let names: [Name]?
      }
      struct Command: Decodable { let arguments: [Argument]? }
      let command: Command
    }
    let bytes = Data(_dumpHelp().utf8)
    guard let known = try? JSONDecoder().decode(Description.self, from: bytes) else {
      preconditionFailure("the parser describes its options otherwise than before")
    }
    var options: [String: Bool] = [:]
    for argument in known.command.arguments ?? [] {
      for name in argument.names ?? [] where name.kind == "long" {
        options["--" + name.name] = argument.kind == "option"
      }
    }
    return options
  }
}

/// A setting as typed: `key=value`.
struct Setting: ExpressibleByArgument {
  let key: String, value: String
  init?(argument: String) {
    guard let sign = argument.firstIndex(of: "="), sign != argument.startIndex else { return nil }
    (key, value) = (String(argument[..<sign]), String(argument[argument.index(after: sign)...]))
  }
}

/// A number of pictures as typed: 5000, 200k or 1.5M.
struct Count: ExpressibleByArgument {
  let value: Int
  init?(argument: String) {
    let units = ["k": 1e3, "K": 1e3, "M": 1e6]
    let unit = units[String(argument.suffix(1))]
    let number = Double(unit == nil ? argument : String(argument.dropLast()))
    guard let count = number.map({ $0 * (unit ?? 1) }), count >= 1, count < 1e15, count == count.rounded() else {
      return nil
    }
    value = Int(count)
  }
}

extension Decoding.Crop: ExpressibleByArgument {}
extension ClassChoice: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}
extension Ground: ExpressibleByArgument {}
