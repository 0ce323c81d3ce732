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
  conv.initialize(&noise)
  conv.move(to: device)
  conv.useChannelsLast()
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
/// - Parameter gigaflops: as measured by `measuredGigaflops`.
public func advice(on found: Inspection, gigaflops: Double, device: Device = .cpu) -> Advice? {
  guard found.pictures > 0 else { return nil }
  let situation = Situation(
    pictures: found.distinct, size: found.size, channels: found.isAllGrey ? 1 : 3, device: device,
    gigaflops: gigaflops)
  guard let settings = try? R3GANRecipe.settings(for: situation, preset: nil) else { return nil }
  let length = R3GANRecipe.length(for: situation)
  let preset = device.isCPU ? "small" : "large"
  return Advice(
    recipe: R3GANRecipe.name, preset: preset, size: settings.size, minutes: length.minutes ?? 20,
    words: words(for: situation, recipe: R3GANRecipe.name, length))
}

/// Why a recipe is used, and what to expect.
func words(for situation: Situation, recipe: String, _ length: Length) -> String {
  guard let gigaflops = gigaflopsAPicture(recipe, situation) else {
    return "It trains \(recipe) at \(situation.size) px."
  }
  let rate = situation.gigaflops / gigaflops
  let seen: Double
  let time: String
  switch length {
  case .minutes(let minutes):
    (seen, time) = (rate * minutes * 60, "\(told(minutes * 60))")
  case .pictures(let pictures):
    (seen, time) = (Double(pictures), "about \(told(Double(pictures) / max(rate, 1e-6)))")
  }
  let times = seen / Double(max(situation.pictures, 1))
  var words =
    "It trains \(recipe) at \(situation.size) px for \(time): about \(grouped(rounded(seen))) pictures seen, "
    + "each of them \(times < 2 ? "once" : "\(rounded(times)) times")."
  if situation.pictures < 500 {
    words += " So few pictures are soon known by heart: they are shifted at random while it learns."
  }
  return words
}

/// Work of one picture in training, forward and backward through both networks, over a whole run; measured on a
/// processor whose convolutions were measured beside; nil where nobody measured.
private func gigaflopsAPicture(_ recipe: String, _ situation: Situation) -> Double? {
  let area = Double(situation.size * situation.size) / 4096
  return switch recipe {
  case "dense": 0.02 * area
  case "dcgan": 0.65 * area
  case R3GANRecipe.name: R3GANSettings.gigaflopsAPicture(of: situation.size)
  default: nil
  }
}

/// Two figures that matter.
private func rounded(_ x: Double) -> Int {
  guard x >= 100, x.isFinite else { return Int(max(0, x.isFinite ? x : 0).rounded()) }
  let unit = pow(10, floor(log10(x)) - 1)
  return Int((x / unit).rounded() * unit)
}

private func told(_ seconds: Double) -> String {
  seconds < 90
    ? "\(Int(seconds.rounded())) seconds"
    : seconds < 5400 ? "\(Int((seconds / 60).rounded())) minutes" : String(format: "%.1f hours", seconds / 3600)
}
