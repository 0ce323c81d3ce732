import Networks
import Torch

/// One update of a generator and a discriminator by the relativistic loss with penalties (Huang et al. 2024), by one pass
/// backward through the discriminator for both (`generatorGradient`).
struct RelativisticUpdate {
  let optimizerG: Adam, optimizerD: Adam
  /// Of the penalty: how many real and generated examples it looks at; nil leaves it out.
  var penalised: Int?
  /// Of the sum of R1 and R2.
  var penaltyWeight = 0.0
  /// Whether each real picture is compared with the generated one that is to be like it, not with all.
  var isPaired = false
  /// Length of a finite difference in the exact slope's place; 0 for none.
  var penaltyStep = 0.0

  /// - Parameters:
  ///   - real: [N, …].
  ///   - fake: [N, …], what the generator made, with its graph.
  ///   - augment: of real and generated ones alike.
  ///   - judge: [M, …] to [M], given which of the 2N examples, real ones first, these are.
  /// - Returns: `confidence` [N], by how much real ones are above generated ones' mean: the verdict itself means nothing here.
  func callAsFunction(
    real: Tensor, fake: Tensor, noise: inout Noise, augment: (Tensor, inout Noise) -> Tensor,
    judge: (Tensor, [Int]) -> Tensor
  ) -> (loss: Tensor, margin: Tensor, slope: Tensor?, confidence: Tensor) {
    let n = real.size(0)
    let leaf = clamp(fake.detached(), min: -1, max: 1).requiringGradient()
    let seen = augment(Tensor.concatenated([real, leaf]), &noise)
    let logits = judge(seen, Array(0..<2 * n))
    let (ofReal, ofFake) = (logits[0..<n], logits[n..<2 * n])
    // All pairs are those of the whole batch, whoever has it.
    let group = isPaired ? nil : ProcessGroup.current
    let (allReal, allFake) = group.map { ($0.gathered(ofReal), $0.gathered(ofFake)) } ?? (ofReal, ofFake)
    let loss =
      isPaired
      ? relativisticLoss(real: ofReal, fake: ofFake) : relativisticLossOfAllPairs(real: allReal, fake: allFake)
    var (whole, slope): (Tensor, Tensor?) = (loss, nil)
    if let penalised {
      let own = max(1, penalised / (ProcessGroup.current?.count ?? 1))
      let found = penalty(on: seen, n, min(own, n), &noise, judge)
      (whole, slope) = (loss + found * penaltyWeight, found)
    }

    // Stages of sizes to come have no gradient yet, and their optimizer's memory starts when they have.
    var towardD = gradientsIfUsed(of: whole, withRespectTo: optimizerD.parameters + [leaf])
    let towardFake = towardD.removeLast()!
    optimizerD.step(towardD)
    let towardPictures = generatorGradient(from: towardFake, real: allReal, fake: ofFake, isPaired: isPaired)
    let seed = inwardGradient(towardPictures, of: fake.detached(), clamped: leaf.detached())
    optimizerG.step(gradientsIfUsed(of: fake, withRespectTo: optimizerG.parameters, seed: seed))
    return (loss, (ofReal - ofFake).mean(), slope, (ofReal - ofFake.mean()).detached())
  }

  /// R1 and R2 together, on the first few real and generated examples.
  private func penalty(
    on seen: Tensor, _ n: Int, _ k: Int, _ noise: inout Noise, _ judge: (Tensor, [Int]) -> Tensor
  ) -> Tensor {
    let some = Tensor.concatenated([seen[0..<k], seen[n..<n + k]]).detached()
    let which = Array(0..<k) + Array(n..<n + k)
    // Twice the mean over both halves is the sum of R1 and R2.
    guard penaltyStep > 0 else { return 2 * zeroCenteredPenalty(at: some) { judge($0, which) } }
    let direction = noise.normal(some.shape).to(some.device)
    return 2 * slopePenalty(at: some, along: direction, step: penaltyStep) { judge($0, which + which) }
  }
}
