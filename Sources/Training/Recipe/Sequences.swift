import Torch

/// Pictures of a set that follow one another: a walk, an attack, a clip.
public struct PictureSequence: Sendable, Equatable {
  public let name: String
  /// Their numbers in the set, in the order of time.
  public let frames: Range<Int>
  /// Frames a second; 1 where nobody knows, so that times count frames.
  public let rate: Double

  public init(name: String, frames: Range<Int>, rate: Double = 1) {
    (self.name, self.frames, self.rate) = (name, frames, rate)
  }

  /// So many of its frames, evenly from the first on.
  func spread(_ count: Int) -> [Int] { (0..<count).map { frames.lowerBound + $0 * frames.count / count } }
}

/// How frames of a sequence are drawn for one example.
public struct FrameDraw: Sendable, Equatable {
  /// Frames of an example.
  public var count: Int
  /// The most frames from an example's first to its last; nil for any.
  public var span: Int?
  /// Whether an example's frames are in the order of time, or the one that was asked for is the first.
  public var isOrdered: Bool

  public init(count: Int, span: Int? = nil, isOrdered: Bool = false) {
    precondition(count > 0 && span ?? count > 0, "an example has frames")
    (self.count, self.span, self.isOrdered) = (count, span, isOrdered)
  }
}

extension PictureSet {
  /// For each picture an example of its own sequence, with that picture among its frames.
  ///
  /// No frame comes twice in an example that its sequence, or the span, has enough frames for.
  /// - Returns: the pictures' numbers, frames of one example one after the other, and their times in seconds
  ///   [N, frames].
  public func examples(of pictures: [Int], _ draw: FrameDraw, noise: inout Noise) -> (numbers: [Int], times: Tensor) {
    var numbers: [Int] = [], times: [Float] = []
    for picture in pictures {
      let sequence = sequence(of: picture)
      let near = window(around: picture, in: sequence.frames, span: draw.span, noise: &noise)
      var others: [Int] = []
      while others.count < draw.count - 1 {
        let fresh = near.filter { $0 != picture }
        let shuffled = noise.permutation(fresh.count).map { fresh[$0] }
        others += shuffled.isEmpty ? [picture] : shuffled
      }
      let drawn = [picture] + others.prefix(draw.count - 1)
      let frames = draw.isOrdered ? drawn.sorted() : drawn
      numbers += frames
      times += frames.map { Float(Double($0 - sequence.frames.lowerBound) / sequence.rate) }
    }
    return (numbers, Tensor(times, shape: [pictures.count, draw.count]))
  }

  /// As many frames in a row as the span allows, of which the picture is one.
  private func window(around picture: Int, in frames: Range<Int>, span: Int?, noise: inout Noise) -> [Int] {
    guard let span, frames.count > span + 1 else { return Array(frames) }
    let first = max(frames.lowerBound, picture - span), last = min(picture, frames.upperBound - span - 1)
    let start = first + noise.integers(below: last - first + 1, count: 1)[0]
    return Array(start...start + span)
  }

  /// The sequence that a picture is of; one of a single frame where the set has none.
  private func sequence(of picture: Int) -> PictureSequence {
    var (low, high) = (0, sequences.count)
    while low < high {
      let middle = (low + high) / 2
      if sequences[middle].frames.upperBound <= picture { low = middle + 1 } else { high = middle }
    }
    guard low < sequences.count, sequences[low].frames.contains(picture) else {
      return PictureSequence(name: names[picture], frames: picture..<picture + 1)
    }
    return sequences[low]
  }

  /// Frames of sequences from all over the set, for a sheet.
  func shown(_ draw: FrameDraw, most: Int = 6) -> Tensor {
    let count = min(most, sequences.count)
    let numbers = (0..<count).flatMap { sequences[$0 * sequences.count / count].spread(draw.count) }
    return batch(numbers)
  }
}

/// Sequences as they stand in a packed set: of each its name, how many frames and their rate, each ended by a zero byte.
enum SequenceList {
  static func bytes(_ sequences: [(name: String, count: Int, rate: Double)]) -> [UInt8] {
    sequences.flatMap { sequence -> [UInt8] in
      [sequence.name.replacing("\0", with: ""), "\(sequence.count)", "\(sequence.rate)"].flatMap {
        Array($0.utf8) + [0]
      }
    }
  }

  /// - Returns: nil when they aren't all of `count` pictures.
  static func read(_ bytes: [UInt8], count: Int) -> [PictureSequence]? {
    let fields = bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast()
      .map { String(decoding: $0, as: UTF8.self) }
    guard fields.count % 3 == 0 else { return nil }
    var found: [PictureSequence] = []
    var next = 0
    for i in stride(from: 0, to: fields.count, by: 3) {
      guard let length = Int(fields[i + 1]), length > 0, length <= count - next, let rate = Double(fields[i + 2]),
        rate > 0, rate.isFinite
      else { return nil }
      found.append(PictureSequence(name: fields[i], frames: next..<next + length, rate: rate))
      next += length
    }
    return next == count ? found : nil
  }
}
