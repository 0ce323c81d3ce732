import Torch

/// The features of prompts, and what they are weighted by.
extension DrawingPipeline {
  /// Encodes the request's words and lets the result go: for measuring.
  public func encodeWords(of request: DrawingRequest) {
    let size = size(of: request)
    withoutGradients { _ = conditions(request, height: size.height, width: size.width) }
  }

  /// What the denoiser is told, without and with the prompt: [2, …] where there is guidance, else [1, …].
  func conditions(_ request: DrawingRequest, height: Int, width: Int) -> Conditions {
    let isGuided = isGuided(request)
    let prompts = (isGuided ? [request.negative] : []) + [request.prompt] + (request.towards.map { [$0.prompt] } ?? [])
    let parsed = prompts.map { Prompt($0, weighted: request.isWeighted) }
    var (features, pooled) = ([Tensor](), Tensor?.none)
    for (text, encoder) in zip(model.texts, encoders) {
      let (found, ends) = encoded(parsed, text, encoder, skipping: text.skipping + request.clipSkip)
      features.append(found)
      pooled = ends
      if memory == .inTurn { encoder.release() }
    }
    var joined = Tensor.concatenated(features, dim: 2)
    if let part = request.towards?.part {
      joined = Self.travelled(joined, part)
      pooled = pooled.map { Self.travelled($0, part) }
    }
    guard model.family == .sdxl else { return Conditions(text: joined) }
    if isGuided, request.negative.isEmpty, model.zerosForEmptyPrompt {
      // An empty text has features of its own; SDXL was trained with zeros.
      joined = Tensor.concatenated([joined[0].zerosLike().unsqueezed(0), joined[1].unsqueezed(0)])
      pooled = pooled.map { Tensor.concatenated([$0[0].zerosLike().unsqueezed(0), $0[1].unsqueezed(0)]) }
    }
    let crop = request.crop ?? (height, width, 0, 0)
    let sizes = [crop.height, crop.width, crop.top, crop.left, height, width].map(Float.init)
    return Conditions(
      text: joined, pooled: pooled, sizes: Tensor(sizes, shape: [1, 6]).repeated([isGuided ? 2 : 1, 1]).to(device))
  }

  /// The last two rows as one, on the way from the first of them to the second.
  private static func travelled(_ rows: Tensor, _ part: Double) -> Tensor {
    let count = rows.size(0)
    let mixed = lerp(rows[(count - 2)..<(count - 1)], rows[(count - 1)..<count], part)
    return count == 2 ? mixed : Tensor.concatenated([rows[0..<(count - 2)], mixed])
  }

  /// - Returns: features [prompts, 77 · pieces, width] and the first pieces' pooled ones [prompts, width].
  private func encoded(
    _ prompts: [Prompt], _ text: LargeModel.Text, _ encoder: LoadedNetwork<TextEncoder>, skipping: Int
  ) -> (Tensor, Tensor) {
    var pieces = prompts.map { PromptPieces($0, text.tokenizer) }
    let count = pieces.map(\.pieces.count).max()!
    for i in pieces.indices { pieces[i].fill(to: count) }
    var (all, ends) = ([Tensor](), [Tensor]())
    for (prompt, piece) in zip(prompts, pieces) {
      let rows = piece.rows(text.tokenizer, padding: text.padding)
      let tokens = Tensor(rows.flatMap { $0 }, shape: [count, PromptPieces.room + 2]).to(device)
      let (features, pooled) = encoder.module(tokens, skipping: skipping, normalises: text.normalises)
      var found = features.to(.float32)
      if prompt.isWeighted {
        let weights = Tensor(piece.weights.flatMap { $0.map(Float.init) }, shape: [count, PromptPieces.room + 2, 1])
        let weighted = found * weights.to(device)
        // A1111 brings the mean back, which breaks SDXL's features, whose mean is near 0.
        found =
          model.family == .sdxl
          ? weighted
          : weighted * (found.mean(dims: [1, 2], keepDims: true) / weighted.mean(dims: [1, 2], keepDims: true))
      }
      all.append(found.reshaped([1, -1, found.size(2)]))
      ends.append(pooled[0..<1].to(.float32))
    }
    return (Tensor.concatenated(all), Tensor.concatenated(ends))
  }
}
