import Networks
import Torch
import Training

/// A text-to-image model that is learned from scratch, from pictures with captions: latent diffusion (Rombach et al. 2022), with the layout
/// of Stable Diffusion 1.x, so that other tools read it.
///
/// In a run's first part the autoencoder learns; then UNet and text encoder together learn to take noise off its latents: v-prediction
/// (Salimans and Ho 2022) with min-SNR weights (Hang et al. 2023).
public final class WordsRecipe: Recipe {
  public static let name = "words"
  public static let use = Use(
    .generate, "draws by words, redraws and fills given pictures (`vary`, `fill --with`)",
    command: "generate NAME --prompt \"words of the captions\"", out: "pictures")
  public static let summary =
    "A text-to-image model of your own, from pictures with captions; see docs/large-models.md."
  public static let presets = [
    (name: "small", summary: "for a few cores"), (name: "large", summary: "twice as wide, for a GPU"),
  ]
  public static let readsCaptions = true

  public let model: WordsModel
  private let text: TextEncoder, unet: UNet2DCondition
  private let averages: (text: MovingAverage<TextEncoder>, unet: MovingAverage<UNet2DCondition>)
  private let optimizer: AdamW
  private let coder: CoderTraining
  private let device: Device
  private let mixed: Precision
  /// Of each noise level, [1000]: the signal's part, the noise's, and how much its error counts.
  private let levels: (alpha: Tensor, sigma: Tensor, weight: Tensor)
  private var words: CaptionTokens
  /// Moments of pictures' latents, by their numbers, when the autoencoder has learned.
  private var known: [Int: Tensor] = [:]
  /// Whether the last step was the autoencoder's.
  private var isCoding = false
  /// Bytes that they may take.
  private static let room = 1 << 29

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> WordsSettings {
    try WordsSettings(for: situation, preset: preset)
  }
  public static func usualSide(of typical: Int, in situation: Situation) -> Int {
    [64, 32].first { typical >= $0 } ?? 16
  }
  public static func length(for situation: Situation) -> Length { .minutes(120) }

  public init(_ settings: WordsSettings, noise: inout Noise, on device: Device) throws(RecipeError) {
    model = try WordsModel(settings, on: device)
    self.device = device
    mixed = try Precision(settings.precision, on: device)
    text = TextEncoder(settings.text).prepared(&noise, on: device)
    unet = UNet2DCondition(settings.unet).prepared(&noise, on: device)
    Self.begin(text, unet, &noise)
    averages = (MovingAverage(model.text.module, of: text), MovingAverage(model.unet.module, of: unet))
    optimizer = AdamW(
      text.parameters + unet.parameters, rate: settings.rate, betas: (0.9, settings.beta2),
      weightDecay: settings.weightDecay)
    model.latents.module.move(to: device)
    coder = CoderTraining(
      model.vae.module, model.latents.module, settings, mixed: mixed, noise: &noise, on: device)
    levels = Self.levels(minSNR: settings.minSNR, on: device)
    words = CaptionTokens([], settings)
  }

  /// Beginnings beyond PyTorch's.
  private static func begin(_ text: TextEncoder, _ unet: UNet2DCondition, _ noise: inout Noise) {
    withoutGradients {
      // As CLIP begins: PyTorch's tables would drown what comes after them.
      let tables = text.textModel.embeddings
      for table in [tables.tokenEmbedding, tables.positionEmbedding] { table.weight.copy(from: table.weight * 0.02) }
      // Blocks begin as nothing, and so does the answer (Dhariwal and Nichol 2021).
      for block in unet.modules.compactMap({ $0 as? ResnetBlock }) {
        Initialization.zero.fill(block.conv2.weight, block.conv2.bias, &noise)
      }
      Initialization.zero.fill(unet.convOut.weight, unet.convOut.bias, &noise)
    }
  }

  private static func levels(minSNR: Double, on device: Device) -> (alpha: Tensor, sigma: Tensor, weight: Tensor) {
    let shares = WordsSettings.schedule.signalShares()
    func table(_ value: (Double) -> Double) -> Tensor { Tensor(shares.map { Float(value($0)) }).to(device) }
    let weight = table { share in
      let signal = share / (1 - share)
      // Hang et al. 2023, equation 7, for v.
      return minSNR > 0 ? min(signal, minSNR) / (signal + 1) : 1
    }
    return (table { $0.squareRoot() }, table { (1 - $0).squareRoot() }, weight)
  }

  public var saved: [String: any Saved] {
    [
      "text": text, "text.average": averages.text, "unet": unet, "unet.average": averages.unet, "optimizer": optimizer,
      "vae": coder.network, "vae.average": coder.average, "optimizer.vae": coder.optimizer,
      "latents": model.latents.module, "vocabulary": model.vocabulary.module, "captions": model.captions.module,
    ]
  }
  /// All but what it learned to know the captions by.
  public var inherited: [String: any Saved] {
    saved.filter { !($0.value is any Optimizer) && $0.key != "captions" }
  }
  public var rateHold: Double? { settings.rateHold }

  public func take(captions: [String]) {
    let vocabulary = model.vocabulary.module
    if vocabulary.ranks.isEmpty { vocabulary.take(neededBy: captions) }
    // Ranks of a file that was begun with may be anything: a checkpoint of this recipe's was looked at.
    if let tokenizer = try? vocabulary.tokenizer { model.captions.module.take(captions, tokenizer) }
    words = CaptionTokens(captions, settings)
  }

  public var sampler: (any PictureModel)? { isCoding ? nil : model }
  /// While the autoencoder learns: pictures, and what it gives back.
  public func rows(of shown: Shown) -> [Tensor] {
    let pictures = shown.pictures(atMost: 8)
    return [pictures.contiguous(), model.reconstructed(pictures)]
  }

  /// Updates the autoencoder in the run's first part, then UNet and text encoder.
  public func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    isCoding = progress.fraction < settings.coding
    guard !isCoding else {
      known = [:]
      let own = Progress(
        picturesSeen: progress.picturesSeen, fraction: progress.fraction / settings.coding,
        totalPictures: Int(Double(progress.totalPictures) * settings.coding), rateScale: progress.rateScale)
      return coder.learn(batch.pictures, noise: &noise, at: own)
    }
    return learn(batch, &noise, progress)
  }

  private func learn(_ batch: Batch, _ noise: inout Noise, _ progress: Progress) -> [Reading] {
    let n = batch.pictures.size(0)
    let fraction = (progress.fraction - settings.coding) / (1 - settings.coding)
    let steps = progress.picturesSeen - Int(Double(progress.totalPictures) * settings.coding)
    optimizer.rate = settings.rate(at: fraction, steps: max(0, steps) / settings.batch) * progress.rateScale
    let latents = latents(of: batch, noise: &noise)
    let tokens = words.rows(of: batch.indices, model.vocabulary.module, noise: &noise).to(device)
    let times = Tensor(noise.integers(below: WordsSettings.schedule.trainedSteps, count: n)).to(device)
    func each(_ table: Tensor) -> Tensor { table.indexSelected(dim: 0, indices: times).reshaped([n, 1, 1, 1]) }
    let (alpha, sigma) = (each(levels.alpha), each(levels.sigma))
    let drawn = noise.normal(latents.shape, on: device)
    let noisy = (latents * alpha + drawn * sigma).channelsLast()
    let answer = mixed { unet(noisy, timesteps: times, Conditions(text: text.features(tokens))) }.to(.float32)
    let loss = (square(answer - (drawn * alpha - latents * sigma)) * each(levels.weight)).mean()
    var slopes = gradients(of: loss, withRespectTo: optimizer.parameters)
    clipGradients(&slopes, norm: 1)
    optimizer.step(slopes.map(Optional.some))
    let kept = decay(
      memory: settings.averageMemory, batch: settings.batch, of: progress.totalPictures,
      after: progress.fraction - settings.coding)
    averages.text.follow(text, decay: kept)
    averages.unet.follow(unet, decay: kept)
    return [Reading("loss", loss)]
  }

  /// Latents of the pictures, drawn from their distributions, with the deviation 1.
  private func latents(of batch: Batch, noise: inout Noise) -> Tensor {
    let missing = batch.indices.indices.filter { known[batch.indices[$0]] == nil }
    var moments: [Int: Tensor] = [:]
    if !missing.isEmpty {
      let found = coder.moments(of: batch.pictures.indexSelected(dim: 0, indices: Tensor(missing).to(device)))
      for (row, place) in missing.enumerated() { moments[batch.indices[place]] = found[row..<(row + 1)].contiguous() }
    }
    let rows = batch.indices.map { known[$0] ?? moments[$0]! }
    if known.count * rows[0].count * 4 < Self.room { known.merge(moments) { own, _ in own } }
    let halves = Tensor.concatenated(rows).chunks(2, dim: 1)
    return (halves[0] + halves[1] * noise.normal(halves[0].shape, on: device)) * model.latents.module.scale
  }
}
