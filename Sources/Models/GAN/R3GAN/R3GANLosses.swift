import Torch

/// The relativistic pairing loss of the discriminator (Huang et al. 2024, equation 3): the mean of
/// softplus(−(D(x) − D(G(z)))), each real picture against one generated.
///
/// The generator's is the mirror, `relativisticLoss(real: fake, fake: real)`. Pairing leaves no local minimum in
/// which a mode is dropped (Sun et al. 2020).
///
/// - Parameters:
///   - real: [N], what the discriminator says of real pictures; any real number, higher is more real.
///   - fake: [N], of generated ones.
public func relativisticLoss(real: Tensor, fake: Tensor) -> Tensor { softplus(fake - real).mean() }

/// The same over all pairs of a batch: the mean of softplus(−(D(xᵢ) − D(G(zⱼ)))).
///
/// It has the same expectation with less chance in it, and costs nothing more, since only numbers are paired.
public func relativisticLossOfAllPairs(real: Tensor, fake: Tensor) -> Tensor {
  softplus(fake.unsqueezed(0) - real.unsqueezed(1)).mean()
}

/// The zero-centred gradient penalty: the mean over pictures of ‖∇ₓ D(x)‖², by double backward.
///
/// On real pictures it is R1, on generated ones R2 (Mescheder et al. 2018, section 4.1; Huang et al. 2024,
/// equation 4). Its weight is γ/2.
///
/// - Parameters:
///   - x: [N, …]; the gradient doesn't reach what it was made from.
///   - discriminator: gives one number a picture, independently of the others.
/// - Returns: a scalar that can be differentiated with respect to the discriminator's parameters.
public func zeroCenteredPenalty(at x: Tensor, discriminator: (Tensor) -> Tensor) -> Tensor {
  let x = x.detached().requiringGradient()
  let slope = gradients(of: discriminator(x).sum(), withRespectTo: [x], createGraph: true)[0]
  return square(slope.to(.float32)).flattened(from: 1).sum(dims: [1]).mean()
}

/// Turns the discriminator's gradient with respect to generated pictures into the generator's, for
/// `relativisticLossOfAllPairs`.
///
/// With aᵢⱼ = D(xᵢ) − D(G(zⱼ)), dL_D/dD(G(zⱼ)) = Σᵢ σ(−aᵢⱼ)/N² and dL_G/dD(G(zⱼ)) = −Σᵢ σ(aᵢⱼ)/N²: for each picture
/// the two differ by a factor only. So one pass backward through a discriminator that judges each picture on its own
/// serves both updates.
///
/// - Parameters:
///   - gradient: [N, …], of the discriminator's loss with respect to the generated pictures.
///   - real: [N], what the discriminator said of the real pictures.
///   - fake: [N], of the generated ones.
///   - isPaired: each real picture was compared with one generated, by `relativisticLoss`, not with all.
public func generatorGradient(
  from gradient: Tensor, real: Tensor, fake: Tensor, isPaired: Bool = false
) -> Tensor {
  // Beyond 60 both would be zero in float32.
  let differences = isPaired ? (real - fake).unsqueezed(0) : real.unsqueezed(1) - fake.unsqueezed(0)
  let margins = clamp(differences.detached(), min: -60, max: 60)
  let factor = -(sigmoid(margins).mean(dims: [0]) / sigmoid(-margins).mean(dims: [0]))
  return gradient * factor.reshaped([-1] + [Int](repeating: 1, count: gradient.rank - 1))
}

/// The part of a gradient that a clamped picture follows: where it is beyond white or black, it may only come back.
///
/// So a generator learns exact white, which a discriminator would otherwise know real pictures by, and no pixel loses
/// its gradient, as pixels do that tanh has saturated.
///
/// - Parameters:
///   - gradient: [N, …], of the loss with respect to the clamped pictures.
///   - pictures: of the same shape, before they were clamped.
///   - clamped: after.
public func inwardGradient(_ gradient: Tensor, of pictures: Tensor, clamped: Tensor) -> Tensor {
  gradient * ((pictures - clamped) * gradient).greaterOrEqual(to: 0)
}

/// The zero-centred penalty without double backward: the mean of ((D(x + step·n) − D(x)) / step)², n standard normal
/// (approximated R1, Lin et al. 2025).
///
/// For a small step its expectation is ‖∇ₓ D(x)‖²; a larger one also smooths D.
///
/// - Parameters:
///   - x: [N, …].
///   - direction: of the same shape, standard normal.
public func slopePenalty(at x: Tensor, along direction: Tensor, step: Double, discriminator: (Tensor) -> Tensor)
  -> Tensor
{
  let n = x.size(0)
  let logits = discriminator(Tensor.concatenated([x, x + direction * step]))
  return square((logits[n..<2 * n] - logits[0..<n]) / step).mean()
}
