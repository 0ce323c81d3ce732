import Media
import Models
import Torch
import Training

/// What `train` is asked for. What is nil is chosen, or for a resumed run taken from it.
public struct TrainRequest {
  /// A folder, a zip file or one picture; nil takes those of the resumed run.
  public var pictures: String?
  /// What they are to become like, for a recipe that learns from two sets: a folder, a zip file or one picture.
  public var towards: String?
  /// The run's folder; nil makes one in the workspace.
  public var run: String?
  /// A run, checkpoint or model whose weights a new run begins with; its recipe, size and channels are this one's when
  /// they are nil.
  public var from: String?
  public var recipe: String?
  public var preset: String?
  /// Of the pictures; nil takes the recipe's, in the shape of most of them where it can.
  public var size: PictureSize?
  public var channels: Int?
  /// nil is auto.
  public var classes: ClassChoice?
  /// nil is centre.
  public var crop: Decoding.Crop?
  /// nil is white.
  public var ground: Ground?
  /// Of sheets of sprites, for a recipe that learns motion.
  public var frame: PictureSize?
  public var length: Length?
  /// nil is 0.
  public var seed: UInt64?
  public var isResumed = false
  /// Whether a resumed run is brought to its end from where it is, with falling rates.
  public var isFinishing = false
  /// Between checkpoints; nil takes the plan's.
  public var saveSeconds: Double?
  /// Settings of the recipe, as typed: names as in `RecipeSettings.keys` or with hyphens.
  public var settings: [(name: String, value: String)] = []
  public var device = Device.cpu
  /// Whether what is made is measured now and then, the best checkpoint kept, and a run that only gets worse stopped.
  public var keepsBest = true

  /// The processes that train together, of which this one is the first.
  public var group: ProcessGroup?

  public init(pictures: String? = nil) { self.pictures = pictures }
}

extension TrainRequest {
  /// Takes what the run was begun with; what was asked for and can't change is refused.
  ///
  /// - Throws: `RunError.cannotChange`, `RecipeError`.
  mutating func fill(from record: RunRecord) throws {
    func keep<Value: Equatable>(_ name: String, _ asked: Value?, _ own: Value?) throws(RunError) {
      guard let asked, asked != own else { return }
      throw .cannotChange(name, from: own.map { "\($0)" }, to: "\(asked)")
    }
    let packing = record.packing
    try keep("recipe", recipe, record.recipe)
    try keep("size", size, packing.size)
    try keep("channels", channels, packing.channels)
    try keep("crop", crop, packing.crop)
    try keep("ground", ground, packing.ground)
    try keep("frame", frame, record.frame)
    try keep("seed", seed, record.plan.seed)
    // What it was is in the settings.
    try keep("preset", preset, nil)
    try keep("classes", classes, nil)
    func change<R: Recipe>(_ type: R.Type) throws(RecipeError) -> (name: String, from: String, to: String)? {
      try R.Settings(json: record.settings, recipe: R.name).first(of: settings, recipe: R.name)
    }
    if let change = try change(Models.recipe(named: record.recipe)) {
      throw RunError.cannotChange(change.name, from: change.from, to: change.to)
    }
    settings = []
    (recipe, size, channels) = (record.recipe, packing.size, packing.channels)
    (crop, ground, seed, frame) = (packing.crop, packing.ground, record.plan.seed, record.frame)
    pictures = pictures ?? record.pictures
    towards = towards ?? record.towards?.pictures
  }
}
