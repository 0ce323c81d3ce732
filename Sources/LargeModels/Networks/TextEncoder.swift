import Networks
import Torch

/// CLIP's text transformer (Radford et al. 2021, section 2.4), with the names of transformers' `CLIPTextModelWithProjection`.
public final class TextEncoder: Module {
  let textModel: TextTransformer
  /// The pooled text into the space that pictures share; where the file has it.
  let textProjection: Linear?
  let configuration: TextConfiguration

  public init(_ configuration: TextConfiguration) {
    self.configuration = configuration
    textModel = TextTransformer(configuration)
    textProjection = configuration.projection.map { Linear(configuration.width, $0, bias: false) }
  }

  /// - Parameters:
  ///   - tokens: int64 [N, length].
  ///   - skipping: how many of the last layers are left out.
  ///   - normalises: whether the last normalisation follows. SD 1.x and 2.x have it after skipping, too; SDXL never.
  /// - Returns: the tokens' features [N, length, width], and those of the end [N, projection], after all layers.
  func callAsFunction(_ tokens: Tensor, skipping: Int, normalises: Bool) -> (features: Tensor, pooled: Tensor) {
    let layers = textModel.hidden(tokens)
    let last = textModel.finalLayerNorm(layers[layers.count - 1])
    let chosen = layers[layers.count - 1 - skipping]
    let features = !normalises ? chosen : skipping == 0 ? last : textModel.finalLayerNorm(chosen)
    let ends = ends(of: tokens)
    let pooled = Tensor.stacked(ends.enumerated().map { last[$0.offset][$0.element] })
    return (features, textProjection.map { $0(pooled) } ?? pooled)
  }

  /// The features of tokens int64 [N, length] as SD 1.x reads them, after all layers: [N, length, width].
  func features(_ tokens: Tensor) -> Tensor { textModel.finalLayerNorm(textModel.hidden(tokens).last!) }

  /// Where each row ends first. Old files name token 2 as the end and mean the highest number.
  private func ends(of tokens: Tensor) -> [Int] {
    let rows = (0..<tokens.size(0)).map { tokens[$0].ints }
    let end = configuration.end
    return rows.map { row in (end == 2 ? row.firstIndex(of: row.max()!) : row.firstIndex(of: end)) ?? 0 }
  }
}

/// What a text encoder is built from.
public struct TextConfiguration: Equatable, Sendable {
  public var vocabulary = 49408
  public var positions = 77
  public var width = 768
  public var inner = 3072
  public var layers = 12
  public var heads = 12
  /// x σ(1.702 x) for OpenAI's weights, else the exact GELU.
  public var usesQuickGELU = true
  /// The width of the projection; nil without one.
  public var projection: Int?
  public var epsilon = 1e-5
  /// The token whose features stand for the text.
  public var end = 2
  public init() {}
}

final class TextTransformer: Module {
  let embeddings: TextEmbeddings
  let encoder: TextLayers
  let finalLayerNorm: LayerNorm

  init(_ c: TextConfiguration) {
    (embeddings, encoder) = (TextEmbeddings(c), TextLayers(c))
    finalLayerNorm = LayerNorm(c.width, epsilon: c.epsilon)
  }

  /// What each layer begins with, and the last one's result: `layers + 1` of [N, length, width].
  func hidden(_ tokens: Tensor) -> [Tensor] {
    encoder.layers.reduce(into: [embeddings(tokens)]) { $0.append($1($0[$0.count - 1])) }
  }
}

final class TextEmbeddings: Module {
  let tokenEmbedding: Embedding, positionEmbedding: Embedding

  init(_ c: TextConfiguration) {
    tokenEmbedding = Embedding(c.vocabulary, c.width)
    positionEmbedding = Embedding(c.positions, c.width)
  }

  func callAsFunction(_ tokens: Tensor) -> Tensor {
    tokenEmbedding(tokens) + positionEmbedding.weight[0..<tokens.size(1)]
  }
}

final class TextLayers: Module {
  let layers: [TextLayer]
  init(_ c: TextConfiguration) { layers = (0..<c.layers).map { _ in TextLayer(c) } }
}

/// A transformer's layer with normalisation first.
final class TextLayer: Module {
  let selfAttn: TextAttention
  let layerNorm1: LayerNorm
  let mlp: TextMLP
  let layerNorm2: LayerNorm

  init(_ c: TextConfiguration) {
    (selfAttn, mlp) = (TextAttention(c), TextMLP(c))
    layerNorm1 = LayerNorm(c.width, epsilon: c.epsilon)
    layerNorm2 = LayerNorm(c.width, epsilon: c.epsilon)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let h = x + selfAttn(layerNorm1(x))
    return h + mlp(layerNorm2(h))
  }
}

/// Attention in which each token sees itself and those before it.
final class TextAttention: Module {
  let kProj: Linear, vProj: Linear, qProj: Linear, outProj: Linear
  private let heads: Int

  init(_ c: TextConfiguration) {
    let make = { Linear(c.width, c.width) }
    (kProj, vProj, qProj, outProj) = (make(), make(), make(), make())
    heads = c.heads
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    outProj(attention(qProj(x), kProj(x), vProj(x), heads: heads, isCausal: true))
  }
}

final class TextMLP: Module {
  let fc1: Linear, fc2: Linear
  private let isQuick: Bool

  init(_ c: TextConfiguration) {
    (fc1, fc2) = (Linear(c.width, c.inner), Linear(c.inner, c.width))
    isQuick = c.usesQuickGELU
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let h = fc1(x)
    return fc2(isQuick ? h * sigmoid(h * 1.702) : gelu(h))
  }
}

/// Attention of several heads by LibTorch's fused kernel, whose softmax is in float32 whatever the inputs are.
///
/// - Parameters:
///   - q: [N, L, heads · d].
///   - k: and `v`, [N, S, heads · d].
/// - Returns: [N, L, heads · d].
func attention(_ q: Tensor, _ k: Tensor, _ v: Tensor, heads: Int, isCausal: Bool = false) -> Tensor {
  func split(_ x: Tensor) -> Tensor { x.reshaped([x.size(0), x.size(1), heads, x.size(2) / heads]).transposed(1, 2) }
  let seen = scaledDotProductAttention(split(q), split(k), split(v), isCausal: isCausal)
  return seen.transposed(1, 2).reshaped([q.size(0), q.size(1), q.size(2)])
}
