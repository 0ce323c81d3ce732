import Foundation
import Models
import Networks
import Torch
import Training

/// Billions of multiplications and additions a second in convolutions as training has them, measured in a fifth of a
/// second.
public func measuredGigaflops(on device: Device) -> Double {
  var noise = Noise(seed: 0)
  let x = noise.normal([32, 64, 16, 16], on: device).channelsLast()
  let conv = Conv2d(64, 64, kernel: 3, padding: 1)
  conv.prepared(&noise, on: device)
  let parameters = conv.parameters
  // Forward, and backward twice: to the weights and to the picture.
  let once = 3 * 2 * Double(32 * 16 * 16) * Double(64 * 64 * 9) / 1e9
  func step() {
    let input = x.detached().requiringGradient()
    let loss = withAutocast(device.prefersBFloat16, on: device) { conv(input) }.to(.float32).sum()
    _ = gradients(of: loss, withRespectTo: parameters + [input]).map { $0.sum().item() }
  }
  step()
  let clock = ContinuousClock()
  var best = Double.infinity
  let start = clock.now
  repeat {
    let begin = clock.now
    step()
    best = min(best, (clock.now - begin) / .seconds(1))
  } while clock.now - start < .milliseconds(150)
  return once / best
}

/// What one would train on inspected pictures, and in how long: in words.
///
/// - Parameters:
///   - size: of the pictures; nil takes what `train` would.
///   - gigaflops: as measured by `measuredGigaflops`.
public func advice(
  on found: Inspection, size: PictureSize? = nil, gigaflops: Double, device: Device = .cpu
) -> Advice? {
  guard found.pictures > 0 else { return nil }
  var situation = Situation(
    pictures: found.distinct, size: size ?? 64, channels: found.isAllGrey ? 1 : 3, device: device,
    gigaflops: gigaflops)
  situation.areDrawn = found.areDrawn
  func advised<R: Recipe>(_ type: R.Type) -> Advice? {
    let fitting = R.size(R.usualSide(of: found.typicalSide, in: situation), like: found.shape)
    if size == nil { situation.size = fitting }
    guard let settings = try? R.settings(for: situation, preset: nil) else { return nil }
    let length = R.length(for: situation)
    let preset = R.presets.isEmpty ? nil : device.isCPU ? "small" : "large"
    return Advice(
      recipe: R.name, preset: preset, size: settings.size, minutes: length.minutes ?? 20,
      words: words(
        for: situation, R.self, length,
        Estimate(length, gigaflopsAPicture: R.gigaflopsAPicture(in: situation), in: situation), settings),
      fitting: found.shape == nil ? nil : fitting)
  }
  return advised(preferred(for: situation)[0])
}

/// Why a recipe is used, and what to expect.
func words<R: Recipe>(
  for situation: Situation, _ type: R.Type, _ length: Length, _ expected: Estimate, _ settings: R.Settings
) -> String {
  guard let seen = expected.picturesSeen.map(Double.init), let seconds = expected.seconds else {
    return "It trains \(R.name) at \(situation.size) px."
  }
  let isSure = length.minutes != nil
  let time = isSure ? spoken(seconds) : "about \(spoken(seconds))"
  let times = seen / Double(max(situation.pictures, 1))
  var words =
    "It trains \(R.name) at \(situation.size) px for \(time): about \(grouped(rounded(seen))) pictures seen, "
    + "each of them \(times < 2 ? "once" : "\(rounded(times)) times")."
  if situation.pictures < 500, settings.augments {
    words += " So few pictures are easily memorised, so they are augmented at random in training."
    if !R.remark.isEmpty { words += " " + R.remark }
    if flag("mirror", in: settings.json) {
      words += " They are also mirrored: use --mirror false if left and right matter, as in writing."
    }
  }
  return words
}

extension RecipeSettings {
  /// Whether pictures are changed at random: by DiffAugment, ADA, or more and more as it learns them by heart.
  var augments: Bool { ["augment", "adapt"].contains { (number($0, in: json) ?? 0) > 0 } }
}

/// Two figures that matter.
func rounded(_ x: Double) -> Int {
  guard x >= 100, x.isFinite else { return Int(max(0, x.isFinite ? x : 0).rounded()) }
  let unit = pow(10, floor(log10(x)) - 1)
  return Int((x / unit).rounded() * unit)
}

/// "40 seconds", "33 minutes", "2.1 hours".
func spoken(_ seconds: Double) -> String {
  seconds < 90
    ? "\(Int(seconds.rounded())) seconds"
    : seconds < 5400 ? "\(Int((seconds / 60).rounded())) minutes" : String(format: "%.1f hours", seconds / 3600)
}
