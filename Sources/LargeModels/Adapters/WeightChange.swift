import Torch

/// What is added to one layer's weight.
struct WeightChange {
  enum Piece: Sendable {
    case down, up, middle, alpha, magnitude, difference, biasDifference
    case loha1a, loha1b, loha2a, loha2b, loha1t, loha2t
    case lokr1, lokr1a, lokr1b, lokr2, lokr2a, lokr2b, lokr2t
  }
  struct Problem: Error { let why: String }

  private let pieces: [Piece: Tensor]
  private let scale: Double
  private let kind: Kind
  private enum Kind { case lora, loha, lokr, difference }

  /// - Parameter statedAlpha: where the file has it elsewhere than beside the layer.
  init(_ pieces: [Piece: Tensor], statedAlpha: Double?) throws(Problem) {
    func need(_ names: [Piece]) throws(Problem) {
      if let lost = names.first(where: { pieces[$0] == nil }) { throw Problem(why: "its part '\(lost)' is missing") }
    }
    if pieces[.magnitude] != nil { throw Problem(why: "it is a DoRA, which isn't read here") }
    let rank: Int?
    if pieces[.difference] != nil {
      (kind, rank) = (.difference, nil)
    } else if pieces[.loha1a] != nil || pieces[.loha2a] != nil {
      try need([.loha1a, .loha1b, .loha2a, .loha2b])
      if pieces[.loha1t] != nil { try need([.loha2t]) }
      (kind, rank) = (.loha, pieces[.loha1b]!.size(0))
    } else if pieces.keys.contains(where: { [.lokr1, .lokr1a, .lokr2, .lokr2a].contains($0) }) {
      if pieces[.lokr1] == nil { try need([.lokr1a, .lokr1b]) }
      if pieces[.lokr2] == nil { try need([.lokr2a, .lokr2b]) }
      // Two whole factors have no rank, and alpha means nothing.
      let factor = pieces[.lokr1] == nil ? pieces[.lokr1b] : pieces[.lokr2] == nil ? pieces[.lokr2b] : nil
      (kind, rank) = (.lokr, factor?.size(0))
    } else {
      try need([.down, .up])
      (kind, rank) = (.lora, pieces[.down]!.size(0))
    }
    if pieces[.alpha].map({ $0.count != 1 }) ?? false { throw Problem(why: "its alpha isn't one number") }
    for (name, piece) in pieces where name != .alpha && (piece.rank < 1 || piece.count == 0) {
      throw Problem(why: "its part '\(name)' is empty")
    }
    self.pieces = pieces
    // Alpha may be a number without dimensions.
    scale = rank.map { rank in (pieces[.alpha]?.item() ?? statedAlpha ?? Double(rank)) / Double(rank) } ?? 1
  }

  /// How many inputs a linear layer has that it is for.
  var inputs: Int? { pieces[.down].flatMap { $0.rank == 2 ? $0.size(1) : nil } }

  /// The change of a weight of that shape, float32.
  ///
  /// - Throws: `Problem` when it is another layer's.
  func delta(_ shape: [Int]) throws(Problem) -> Tensor {
    let found = try product(shape) * scale
    guard found.count == shape.reduce(1, *) else {
      throw Problem(why: "it has \(found.count) numbers, the layer \(shape.reduce(1, *))")
    }
    return found.reshaped(shape)
  }

  private subscript(piece: Piece) -> Tensor? { pieces[piece]?.to(.float32) }

  private func product(_ shape: [Int]) throws(Problem) -> Tensor {
    switch kind {
    case .difference: return self[.difference]!
    case .lora:
      // Hu et al. 2022, section 4.1.
      if let middle = self[.middle] {
        return try tucker(middle, self[.up]!.flattened(from: 1), self[.down]!.flattened(from: 1).T)
      }
      return try times(self[.up]!.flattened(from: 1), self[.down]!.flattened(from: 1))
    case .loha:
      // Hyeon-Woo et al. 2022, proposition 1.
      func factor(_ a: Piece, _ b: Piece, _ t: Piece) throws(Problem) -> Tensor {
        guard let core = self[t] else { return try times(self[a]!, self[b]!) }
        return try tucker(core, self[a]!.T, self[b]!.T)
      }
      let (first, second) = (try factor(.loha1a, .loha1b, .loha1t), try factor(.loha2a, .loha2b, .loha2t))
      guard first.shape == second.shape else { throw Problem(why: "its factors have other shapes") }
      return first * second
    case .lokr:
      // Edalati et al. 2022: a Kronecker product.
      let first: Tensor
      if let whole = self[.lokr1] { first = whole } else { first = try times(self[.lokr1a]!, self[.lokr1b]!) }
      let second: Tensor
      if let whole = self[.lokr2] {
        second = whole
      } else if let core = self[.lokr2t] {
        second = try tucker(core, self[.lokr2a]!.T, self[.lokr2b]!.T)
      } else {
        second = try times(self[.lokr2a]!, self[.lokr2b]!.flattened(from: 1))
      }
      guard first.rank == 2, second.rank >= 2 else { throw Problem(why: "its factors are no matrices") }
      let field = second.shape.dropFirst(2).reduce(1, *)
      let both =
        first.reshaped([first.size(0), 1, first.size(1), 1, 1])
        * second.reshaped([1, second.size(0), 1, second.size(1), field])
      return both.reshaped([first.size(0) * second.size(0), first.size(1) * second.size(1) * field])
    }
  }

  private func times(_ a: Tensor, _ b: Tensor) throws(Problem) -> Tensor {
    guard a.rank == 2, b.rank == 2, a.size(1) == b.size(0) else {
      throw Problem(why: "its parts \(a.shape) and \(b.shape) don't fit")
    }
    return a.matmul(b)
  }

  /// A small convolution between a map of its outputs [outputs, rank] and one of its inputs [inputs, rank].
  private func tucker(_ core: Tensor, _ outputs: Tensor, _ inputs: Tensor) throws(Problem) -> Tensor {
    guard core.rank == 4, outputs.rank == 2, inputs.rank == 2, core.size(0) == outputs.size(1),
      core.size(1) == inputs.size(1)
    else { throw Problem(why: "its middle \(core.shape) doesn't fit the rest") }
    return einsum("op,pqkl,iq->oikl", [outputs, core, inputs])
  }

  /// What is added to the bias.
  var bias: Tensor? { self[.biasDifference] }
}
