import Networks
import Torch

/// What trains one family's model: its discriminators, optimizers, averages and schedules, and how long all that takes.
///
/// What a family is called, what it is for and what it needs stands here, and nowhere else.
public protocol Recipe: AnyObject {
  associatedtype Settings: RecipeSettings
  associatedtype Trained: Model where Trained.Settings == Settings

  /// As in `--recipe`, for example "dcgan".
  static var name: String { get }
  /// One line for help and `inspect`.
  static var summary: String { get }
  /// What a trained model is used for.
  static var use: Use { get }
  /// What it learns from.
  static var material: Material { get }
  /// Whether it learns what words say of pictures, and is given captions.
  static var readsCaptions: Bool { get }
  /// Names that `--preset` takes, each with what it is for. "default" is always meant by none.
  static var presets: [(name: String, summary: String)] { get }
  /// How gladly it is taken where nobody names a recipe: the highest wins; 0 for never.
  static func preference(for situation: Situation) -> Int
  /// The side of its pictures where nobody names a size: squares, or of other shapes as many pixels.
  ///
  /// - Parameters:
  ///   - typical: the shorter side of the middle one of the pictures, in pixels.
  ///   - situation: its size isn't known yet.
  static func usualSide(of typical: Int, in situation: Situation) -> Int
  /// What an artist should know before a run, beside time and pictures; empty for nothing.
  static var remark: String { get }

  /// Settings that suit the pictures, the processor and the time.
  ///
  /// - Throws: `RecipeError.unknownPreset`, or `impossibleSize` when the recipe can't make such pictures.
  static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> Settings

  /// Size of the second set's pictures, where it learns from two.
  static func targetSize(_ settings: Settings) -> PictureSize
  /// How long to train when nobody says.
  static func length(for situation: Situation) -> Length
  /// What a picture costs in training, forward and backward through all networks, on average over a run, as
  /// `Situation.gigaflops` counts; nil where nobody measured. A run measures its own steps.
  static func gigaflopsAPicture(in situation: Situation) -> Double?
  /// Kinds of weights that others trained and its model can use.
  static var imports: [Importable] { get }
  /// Weights that others trained, which it learns from.
  static func needs(_ settings: Settings) -> [Pretrained]

  /// New networks on `device`, initialised by `noise`.
  init(_ settings: Settings, noise: inout Noise, on device: Device) throws(RecipeError)

  var settings: Settings { get }
  /// What is trained, as it makes pictures now: of averages where there are any.
  var model: Trained { get }
  /// What a checkpoint holds, by name: "generator", "generator.average", "optimizer.generator", …
  var saved: [String: any Saved] { get }
  /// The part of `saved` that a new run may take from another's: by default all but optimizers.
  var inherited: [String: any Saved] { get }
  /// Whether pictures may be seen mirrored, left for right.
  var mirrors: Bool { get }
  /// The fraction of a run after which learning rates fall; nil where they don't.
  var rateHold: Double? { get }
  /// How frames are drawn, of a recipe that learns from sequences: its `step` sees so many pictures of each, one after the
  /// other, [N · frames, C, H, W].
  var draw: FrameDraw { get }

  /// Takes what `needs` names, once before the first step.
  ///
  /// - Parameter weights: as their file has them.
  /// - Throws: `StateError` when they are another network's.
  func take(_ pretrained: Pretrained, weights: [String: Tensor]) throws(StateError)
  /// Numbers that tell it what each picture of the set is like; 0 where it isn't told.
  var traitCount: Int { get }
  /// Takes them, once before the first step of a new run: [pictures, traitCount], and of which of its classes each picture is.
  func take(traits: Tensor, labels: [Int])
  /// Takes the words of the set's pictures, one text each and empty where there are none, at each start of a run, before a checkpoint is
  /// taken up.
  func take(captions: [String])
  /// One update. Returns what to plot.
  func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading]

  /// The model, where a sheet is a picture a seed, and how good it is can be measured by them. At a run's start it says whether that will be
  /// so; later it may be nil as long as the model makes nothing yet.
  var sampler: (any PictureModel)? { get }
  /// Rows of a sheet where it isn't, such as: what is given, what becomes of it, what it should be.
  ///
  /// - Returns: each [N, C, h, w] in -1...1, float32 on the CPU, all of one size.
  func rows(of shown: Shown) -> [Tensor]
}

extension Recipe {
  public static var material: Material { .pictures }
  public static var readsCaptions: Bool { false }
  public static var presets: [(name: String, summary: String)] { [] }
  public static func preference(for situation: Situation) -> Int { 0 }
  public static func usualSide(of typical: Int, in situation: Situation) -> Int { Int(Settings().size.meanSide) }
  public static var remark: String { "" }
  public static func length(for situation: Situation) -> Length { .minutes(20) }
  public static func gigaflopsAPicture(in situation: Situation) -> Double? { nil }
  public static var imports: [Importable] { [] }
  public static func needs(_ settings: Settings) -> [Pretrained] { [] }
  public static func targetSize(_ settings: Settings) -> PictureSize { settings.size }
  public var settings: Settings { model.settings }
  /// The networks of `saved`, and their averages.
  public var inherited: [String: any Saved] { saved.filter { !($0.value is any Optimizer) } }
  public var mirrors: Bool { false }
  public var rateHold: Double? { nil }
  public var traitCount: Int { 0 }
  public func take(traits: Tensor, labels: [Int]) {}
  public func take(captions: [String]) {}
  public var draw: FrameDraw { FrameDraw(count: 1) }
  public func take(_ pretrained: Pretrained, weights: [String: Tensor]) throws(StateError) {}
  public var sampler: (any PictureModel)? { nil }
  public func rows(of shown: Shown) -> [Tensor] { [] }
  /// The classes that it was told of.
  public var classes: [String] { sampler?.offers.classes ?? [] }
}

extension Recipe {
  /// Pictures that a run of the situation sees, by what one costs at a size.
  public static func expectedPictures(at size: PictureSize, in situation: Situation) -> Double {
    var sized = situation
    sized.size = size
    return situation.picturesSeen.map(Double.init)
      ?? gigaflopsAPicture(in: sized).map { (situation.minutes ?? 20) * 60 * situation.gigaflops / $0 } ?? 0
  }

  /// The largest of some sides that the pictures have and that a run sees enough pictures for.
  ///
  /// - Parameter sides: the largest first, each with the pictures that it takes.
  public static func side(
    from sides: [(side: Int, pictures: Double)], of typical: Int, in situation: Situation
  ) -> Int? {
    sides.first { typical >= $0.side && expectedPictures(at: PictureSize($0.side), in: situation) >= $0.pictures }?.side
  }
}

extension Recipe where Trained: PictureModel {
  public var sampler: (any PictureModel)? { model }
}

/// What a family's models are for: which verb uses them, and words for that.
public struct Use: Sendable, Equatable {
  public enum Verb: String, Sendable, Codable { case generate, film, restyle, enlarge, inbetween, animate }
  public let verb: Verb
  /// Follows a name: "makes pictures larger".
  public let words: String
  /// Follows "atelier": "enlarge PICTURE --model NAME".
  public let command: String
  /// A file that the command may make, such as "large.png".
  public let out: String
  /// Whether the style is another picture that is named each time.
  public var needsStyle = false

  public init(_ verb: Verb, _ words: String, command: String, out: String, needsStyle: Bool = false) {
    (self.verb, self.words, self.command, self.out, self.needsStyle) = (verb, words, command, out, needsStyle)
  }

  /// Makes pictures out of nothing but seeds.
  public static let pictures = Use(.generate, "makes pictures", command: "generate NAME", out: "pictures")
  /// Changes pictures into others.
  public static let translation = Use(
    .restyle, "changes pictures", command: "restyle PICTURE --with NAME", out: "changed.png")

  /// Whether pictures come from nothing but seeds.
  public var makesPictures: Bool { verb == .generate || verb == .film }
  public func command(for name: String) -> String { "atelier " + command.replacing("NAME", with: name) }
  /// A whole command, with files.
  public func example(for name: String) -> String {
    let files = [("PICTURE", "picture.jpg"), ("PAINTING", "painting.jpg"), ("CLIP", "clip.mp4")]
    let words = files.reduce(command(for: name)) { $0.replacing($1.0, with: $1.1) }
    return words + (verb == .generate ? " --seeds 0-63 --grid" : "") + " --out \(out)"
  }
}

/// What a recipe learns from.
public enum Material: Sendable, Equatable {
  /// A set of pictures.
  case pictures
  /// Two sets, the second named by `--towards`.
  case sets(Pairing)
  /// Sequences of pictures: clips, or folders of frames.
  case sequences

  /// How two sets belong together; nil where there is one.
  public var pairing: Pairing? { if case .sets(let pairing) = self { pairing } else { nil } }
}

/// Weights that a recipe learns from, by the name of their model.
public struct Pretrained: Sendable, Hashable {
  public let model: String
  /// Whether only a new run takes them, to begin with: one that is resumed has its own.
  public let isBeginning: Bool

  public init(_ model: String, isBeginning: Bool = false) { (self.model, self.isBeginning) = (model, isBeginning) }
}

/// Pictures of a run's own sets, for its sheets.
public struct Shown {
  let set: PictureSet
  let targets: Targets?

  /// The first ones, [N, C, H, W] in -1...1 on the CPU.
  public func pictures(atMost count: Int = 6) -> Tensor { set.batch(Array(0..<min(count, set.count))) }
  /// Of both sets, as many each; seen in training only where there are few.
  public var both: (first: Tensor, second: Tensor) {
    guard let targets else { preconditionFailure("this run has one set") }
    return targets.shown(set)
  }
  /// [N · frames, C, H, W], evenly from each of some sequences.
  public func frames(_ draw: FrameDraw) -> Tensor { set.shown(draw) }
}
