import Torch

/// Some of the pictures, as a recipe sees them.
public struct Batch {
  /// float32 [N, C, H, W] in -1...1, channels-last, on the recipe's device.
  public let pictures: Tensor
  /// Their numbers in the set.
  public let indices: [Int]
  /// Where it learns from two sets, as many of the second: float32 [N, C, H', W'] in -1...1.
  public let targets: Tensor?
  /// Their numbers in the second set.
  public let targetIndices: [Int]
  /// Where pictures are frames of N sequences, their times in seconds: float32 [N, frames] on
  /// the CPU.
  public let times: Tensor?
  /// Which of the model's classes each picture is of; -1 for none.
  public let labels: [Int]?

  public init(
    pictures: Tensor, indices: [Int], targets: Tensor? = nil, targetIndices: [Int] = [], times: Tensor? = nil,
    labels: [Int]? = nil
  ) {
    (self.pictures, self.indices, self.targets, self.targetIndices) = (pictures, indices, targets, targetIndices)
    (self.times, self.labels) = (times, labels)
  }
}

extension Batch {
  /// The pictures of one process of a group.
  func part(_ share: BatchShare) -> Batch {
    func rows(_ tensor: Tensor) -> Tensor {
      // Of sequences each has several frames.
      let each = tensor.size(0) / (share.count * share.batch)
      return tensor.narrowed(dim: 0, from: share.rows.lowerBound * each, count: share.batch * each)
    }
    func some<T>(_ all: [T]) -> [T] {
      let each = all.count / (share.count * share.batch)
      return Array(all[share.rows.lowerBound * each..<share.rows.upperBound * each])
    }
    return Batch(
      pictures: rows(pictures), indices: some(indices), targets: targets.map(rows),
      targetIndices: some(targetIndices), times: times.map(rows), labels: labels.map(some))
  }
}

/// How far a run is, before the step.
public struct Progress: Sendable {
  public let picturesSeen: Int
  /// 0...1 of the run; by pictures, or by time when a run is given minutes.
  public let fraction: Double
  /// Pictures of the whole run, planned or estimated from the rate.
  public let totalPictures: Int
  /// Multiply learning rates by it: 1, halved each time that a run diverged and was rolled back.
  public let rateScale: Double

  public init(picturesSeen: Int, fraction: Double, totalPictures: Int, rateScale: Double = 1) {
    (self.picturesSeen, self.fraction) = (picturesSeen, fraction)
    (self.totalPictures, self.rateScale) = (totalPictures, rateScale)
  }
}

/// One named number of a step, evaluated only when it is asked for: that waits for the device.
public struct Reading {
  public let name: String
  private let evaluate: () -> Double

  public init(_ name: String, _ value: Double) { (self.name, evaluate) = (name, { value }) }
  /// - Parameter value: one element; cut from the graph.
  public init(_ name: String, _ value: Tensor) {
    let value = value.detached()
    (self.name, evaluate) = (name, { value.item() })
  }
  public var value: Double { evaluate() }
}

/// What is known when settings are chosen.
public struct Situation: Sendable {
  public var pictures: Int
  /// Pictures of the second set, where there are two.
  public var targets = 0
  /// Of the set's folders.
  public var classes: PictureClasses?
  /// Of a picture: its size, and 1 (grey), 3 or 4 channels.
  public var size: PictureSize, channels: Int
  public var device: Device
  /// Threads that operators use.
  public var cores: Int
  /// The time given, when a run is given time.
  public var minutes: Double?
  /// The pictures to see, when a run is given pictures.
  public var picturesSeen: Int?
  /// Whether most of the pictures are drawn: flat parts, few colours.
  public var areDrawn = false
  /// Of each picture, where the recipe reads captions; empty where it has none.
  public var captions: [String] = []
  /// Whether a pretrained network can say what each picture is like.
  public var knowsTraits = false
  /// The size of the pictures that its weights have learned already, of a run that begins with another's.
  public var learnedSize: PictureSize?
  /// Billions of multiplications and additions a second in a training step's convolutions, measured.
  public var gigaflops: Double

  public init(
    pictures: Int, targets: Int = 0, size: PictureSize, channels: Int, device: Device = .cpu,
    cores: Int = Threads.count,
    minutes: Double? = nil, picturesSeen: Int? = nil, gigaflops: Double = 100
  ) {
    (self.pictures, self.size, self.channels, self.device) = (pictures, size, channels, device)
    (self.cores, self.minutes, self.picturesSeen, self.gigaflops) = (cores, minutes, picturesSeen, gigaflops)
    self.targets = targets
  }

  /// The side of a picture, where they are squares.
  public var side: Int { size.width }
}
