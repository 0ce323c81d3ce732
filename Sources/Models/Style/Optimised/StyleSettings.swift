import Foundation

/// Settings of `StyleOptimization`.
public struct StyleSettings: Codable, Sendable, Equatable {
  public enum Loss: String, Codable, Sendable, CaseIterable { case wasserstein, gram }
  public enum Method: String, Codable, Sendable, CaseIterable { case adam, lbfgs, descent }
  public enum Start: String, Codable, Sendable, CaseIterable { case content, noise, picture }

  public var size = 512  // Pixels of the longer side, at the end.
  public var smallest = 128  // Of the first scale; each further one is √2 larger.
  public var firstSteps = 500  // Steps at the first scale.
  public var steps = 250  // At each further one.
  public var strength = 1.0  // Of the style: the content's weight is divided by it.
  public var contentWeight = 0.5
  public var smoothness = 2.0  // Weight of the total variation loss.
  public var strokes = 2.0  // Weight of whole strokes, by nearest neighbours; up to `largestStrokes` and not in tiles.
  public var styleScale = 1.0  // Size of the style's strokes: its picture's longer side over the result's.
  public var loss = Loss.wasserstein
  public var start = Start.content  // A picture that is there needs no smaller scales.
  public var optimizer = Method.adam
  public var rate = 0.02  // Adam's, for pictures in 0...1.
  public var memory = 0.99  // Of the average over steps, which is the result.
  public var seed: UInt64 = 0
  public var precision = "auto"  // auto, bfloat16 or float32.
  public var tile: Int?  // Pixels a side of what the network sees at once, margins and all; nil for the whole picture.
  public init() {}

  /// The longest side at which strokes are laid.
  public static let largestStrokes = 1024

  /// The few steps that follow one pass: what is painted already has its things and colours, and its grain and short
  /// strokes are brought to the painting's. Whole strokes take more steps, and what they move.
  ///
  /// - Parameter size: pixels of the longer side.
  public static func finishing(_ steps: Int, size: Int) -> StyleSettings {
    var settings = StyleSettings()
    (settings.size, settings.start, settings.steps) = (size, .picture, steps)
    (settings.strokes, settings.contentWeight) = (0, 0.15)
    (settings.optimizer, settings.rate, settings.memory) = (.descent, 0.018, 0)
    return settings
  }
  /// Those that `finishing` are for, unless somebody says otherwise: beyond, they would take a quarter of an hour.
  public static let largestFinishedSide = 1024, finishingSteps = 40
  /// For a first look.
  public static let quickSide = 512, quickSteps = 8

  /// The longer sides of the scales, from the smallest.
  public var scales: [Int] {
    if start == .picture { return [size] }
    var (found, side): ([Int], Double) = ([], Double(size))
    while Int(side.rounded()) > smallest || found.isEmpty {
      found.append(Int(side.rounded()))
      side /= 2.0.squareRoot()
    }
    // Two sizes that are almost the same would be the first one's steps twice.
    if Double(found.last!) > 1.2 * Double(smallest) { found.append(smallest) }
    return found.reversed()
  }

  /// The sizes and the steps at each.
  var plan: [(side: Int, steps: Int)] {
    scales.enumerated().map { i, side in
      let full = i == 0 && start != .picture ? firstSteps : steps
      // Shapes and colours are there by then, and a step costs as much as there are pixels.
      let fewer = Double(full) * pow(1024 / Double(side), 2)
      return (side, side <= 1024 ? full : Swift.max(Swift.min(20, full), Int(fewer)))
    }
  }
}
