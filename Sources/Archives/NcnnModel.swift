import Torch

/// A network as ncnn keeps it: a `.param` file that lists its layers, and a `.bin` file with their weights in the same
/// order.
///
/// Strict, since files come from anywhere: a kind of layer that isn't known here might have weights, after which all
/// others would be read from the wrong place; so it is refused. Nothing is executed.
public struct NcnnModel {
  /// A line of the `.param` file.
  public struct Layer: Equatable, Sendable {
    /// ncnn's name of the kind, such as "Convolution".
    public let kind: String
    public let name: String
    /// Of what flows in and out.
    public let inputs: [String], outputs: [String]
    /// Its settings by their numbers; lists are left out.
    public let settings: [Int: Double]
  }

  /// What a layer was trained to.
  public struct Weights {
    public let layer: Layer
    /// Convolution: [outputs, inputs, height, width]. Deconvolution: [inputs, outputs, height, width], as PyTorch has
    /// it. PReLU: [slopes].
    public let weight: Tensor
    /// [outputs].
    public let bias: Tensor?
  }

  public let layers: [Layer]
  /// Of the layers that have any, in their order.
  public let weights: [Weights]

  private static let magic = "7767517"
  /// More would be no network that anybody runs.
  private static let layerCap = 100_000

  /// - Parameters:
  ///   - param: the bytes of the `.param` file.
  ///   - bin: the bytes of the `.bin` file.
  ///   - name: for errors.
  /// - Throws: `NcnnError`; also when there are bytes left after the last layer's weights.
  public init(param: [UInt8], bin: [UInt8], named name: String) throws(NcnnError) {
    layers = try Self.layers(String(decoding: param, as: UTF8.self), name)
    var input = WeightInput(bytes: bin, name: name)
    var found: [Weights] = []
    for layer in layers {
      if let weights = try input.weights(of: layer) { found.append(weights) }
    }
    guard input.isAtEnd else { throw NcnnError(name, .left(bytes: bin.count - input.position)) }
    weights = found
  }

  private static func layers(_ text: String, _ name: String) throws(NcnnError) -> [Layer] {
    let lines = text.split(whereSeparator: \.isNewline).map {
      $0.split(whereSeparator: \.isWhitespace).map(String.init)
    }
    guard lines.first == [magic] else { throw NcnnError(name, .notNcnn) }
    guard lines.count > 1, lines[1].count == 2, let count = Int(lines[1][0]), (1...layerCap).contains(count) else {
      throw NcnnError(name, .line(2))
    }
    let rest = lines.dropFirst(2).filter { !$0.isEmpty }
    guard rest.count == count else { throw NcnnError(name, .layerCount(claimed: count, found: rest.count)) }
    var (layers, made): ([Layer], Set<String>) = ([], [])
    for (i, words) in rest.enumerated() {
      let wrong = NcnnError(name, .line(i + 3))
      guard words.count >= 4, let ins = Int(words[2]), let outs = Int(words[3]), ins >= 0, outs >= 0,
        ins <= words.count, outs <= words.count, 4 + ins + outs <= words.count
      else { throw wrong }
      let inputs = Array(words[4..<4 + ins]), outputs = Array(words[4 + ins..<4 + ins + outs])
      // What flows into a layer was made by one before it.
      guard made.isSuperset(of: inputs) else { throw wrong }
      made.formUnion(outputs)
      var settings: [Int: Double] = [:]
      for word in words[(4 + ins + outs)...] {
        let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2, let key = Int(parts[0]) else { throw wrong }
        if key <= -23300 { continue }  // A list.
        guard let value = Double(parts[1]), value.isFinite else { throw wrong }
        settings[key] = value
      }
      layers.append(Layer(kind: words[0], name: words[1], inputs: inputs, outputs: outputs, settings: settings))
    }
    return layers
  }
}

/// Why a network in ncnn's format wasn't read.
public struct NcnnError: Explained, Equatable {
  public enum Problem: Equatable, Sendable {
    case notNcnn
    /// A line of the `.param` file that says nothing, from 1.
    case line(Int)
    case layerCount(claimed: Int, found: Int)
    /// A kind of layer that isn't known here.
    case unknownLayer(String)
    /// Numbers in another form than 16 or 32 bits.
    case form(layer: String)
    case shape(layer: String)
    /// The `.bin` file ends inside a layer's weights.
    case cutShort(layer: String)
    /// Bytes after the last layer's weights.
    case left(bytes: Int)
  }
  public let name: String
  public let problem: Problem

  public init(_ name: String, _ problem: Problem) { (self.name, self.problem) = (name, problem) }

  public var sentence: String {
    switch problem {
    case .notNcnn: "\(name) isn't a network of ncnn: name its .param file, with its .bin file beside it."
    case .line(let number): "\(name) is damaged in line \(number) of its .param file: copy or download it again."
    case .layerCount(let claimed, let found):
      "\(name) claims \(claimed) layers and lists \(found): copy or download it again."
    case .unknownLayer(let kind):
      "\(name) has a layer of the kind '\(kind)', which isn't known here: use another network."
    case .form(let layer):
      "\(name) has numbers of neither 16 nor 32 bits in '\(layer)': use a copy that isn't quantised."
    case .shape(let layer): "\(name) describes the layer '\(layer)' wrongly: copy or download it again."
    case .cutShort(let layer): "\(name) is cut short in the weights of '\(layer)': copy or download it again."
    case .left(let bytes): "\(name) has \(bytes) bytes of weights that no layer has: copy or download it again."
    }
  }
  public var exit: Exit { .data }
}

/// The bytes of a `.bin` file, front to back.
private struct WeightInput {
  let bytes: [UInt8]
  let name: String
  var position = 0
  var isAtEnd: Bool { position == bytes.count }

  /// Kinds that have no weights.
  private static let bare: Set = [
    "Input", "Split", "Concat", "Eltwise", "BinaryOp", "Interp", "PixelShuffle", "ReLU", "Crop", "Padding", "Sigmoid",
    "Pooling", "Reshape", "Permute", "Noop", "Clip", "TanH",
  ]

  init(bytes: [UInt8], name: String) { (self.bytes, self.name) = (bytes, name) }

  /// - Returns: nil for a layer without weights.
  mutating func weights(of layer: NcnnModel.Layer) throws(NcnnError) -> NcnnModel.Weights? {
    switch layer.kind {
    case "Convolution", "Deconvolution":
      let outputs = try whole(layer, 0), across = try whole(layer, 1)
      let down = layer.settings[11] == nil ? across : try whole(layer, 11)
      let count = try whole(layer, 6)
      let (area, isHuge) = across.multipliedReportingOverflow(by: down)
      let (plane, isHuger) = area.multipliedReportingOverflow(by: outputs)
      guard !isHuge, !isHuger, count % plane == 0 else { throw NcnnError(name, .shape(layer: layer.name)) }
      var weight = try tagged(count, layer.name).reshaped([outputs, count / plane, down, across])
      if layer.kind == "Deconvolution" { weight = weight.transposed(0, 1).contiguous() }
      let bias = layer.settings[5] == 1 ? try floats(outputs, layer.name) : nil
      return NcnnModel.Weights(layer: layer, weight: weight, bias: bias)
    case "PReLU":
      return NcnnModel.Weights(layer: layer, weight: try floats(whole(layer, 0), layer.name), bias: nil)
    case let kind:
      guard Self.bare.contains(kind) else { throw NcnnError(name, .unknownLayer(kind)) }
      return nil
    }
  }

  private func whole(_ layer: NcnnModel.Layer, _ key: Int) throws(NcnnError) -> Int {
    guard let value = layer.settings[key], value >= 1, value <= Double(1 << 30), value == value.rounded() else {
      throw NcnnError(name, .shape(layer: layer.name))
    }
    return Int(value)
  }

  /// Numbers after a tag of four bytes that says how they are kept.
  private mutating func tagged(_ count: Int, _ layer: String) throws(NcnnError) -> Tensor {
    let tag = try take(4, layer).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    switch tag {
    case 0: return try floats(count, layer)
    case 0x0130_6B47:
      let values = try take((2 * count + 3) / 4 * 4, layer).prefix(2 * count)
      return tensor(values, count, .float16).to(.float32)
    default: throw NcnnError(name, .form(layer: layer))
    }
  }

  private mutating func floats(_ count: Int, _ layer: String) throws(NcnnError) -> Tensor {
    tensor(try take(4 * count, layer), count, .float32)
  }

  private func tensor(_ values: ArraySlice<UInt8>, _ count: Int, _ dtype: DType) -> Tensor {
    values.withUnsafeBytes { Tensor(copying: $0, shape: [count], dtype: dtype) }
  }

  private mutating func take(_ count: Int, _ layer: String) throws(NcnnError) -> ArraySlice<UInt8> {
    guard count <= bytes.count - position else { throw NcnnError(name, .cutShort(layer: layer)) }
    position += count
    return bytes[position - count..<position]
  }
}
