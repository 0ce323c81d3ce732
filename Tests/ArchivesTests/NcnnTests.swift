import Archives
import Testing
import Torch

/// ncnn's format on a network of a few numbers, whole and damaged.
@Suite struct NcnnTests {
  private static let param = """
    7767517
    4 4
    Input        data    0 1 data
    Convolution  conv    1 1 data a 0=2 1=1 5=1 6=6 9=2 -23310=1,2.000000e-01
    PReLU        slopes  1 1 a b 0=2
    Deconvolution up     1 1 b out 0=1 1=2 3=2 5=0 6=8
    """

  /// The convolution in 16 bits, filled up to four bytes; the transposed one in 32.
  private static let bin: [UInt8] = {
    func words(_ values: [Float]) -> [UInt8] {
      values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) }
    }
    let half: [UInt8] = [1, 2, 3, 4, 5, 6].flatMap { (value: Float) in
      Tensor([value]).to(.float16).rawBytes
    }
    return [0x47, 0x6B, 0x30, 0x01] + half + words([0.5, -0.5]) + words([0.25, 0.75]) + [0, 0, 0, 0]
      + words([1, 2, 3, 4, 5, 6, 7, 8])
  }()

  private func problem(_ param: String, _ bin: [UInt8] = Self.bin) -> NcnnError.Problem? {
    do {
      _ = try NcnnModel(param: Array(param.utf8), bin: bin, named: "net")
      return nil
    } catch { return error.problem }
  }

  @Test func weightsComeInTheirOrder() throws {
    let model = try NcnnModel(param: Array(Self.param.utf8), bin: Self.bin, named: "net")
    #expect(model.layers.map(\.kind) == ["Input", "Convolution", "PReLU", "Deconvolution"])
    let (conv, slopes, up) = (model.weights[0], model.weights[1], model.weights[2])
    #expect(conv.weight.shape == [2, 3, 1, 1] && conv.weight.floats == [1, 2, 3, 4, 5, 6])
    #expect(conv.bias?.floats == [0.5, -0.5])
    #expect(slopes.weight.floats == [0.25, 0.75] && slopes.bias == nil)
    // ncnn keeps outputs before inputs; PyTorch's transposed convolutions have it the other way round.
    #expect(up.weight.shape == [2, 1, 2, 2] && up.weight.floats == [1, 2, 3, 4, 5, 6, 7, 8] && up.bias == nil)
  }

  @Test func aFileThatEndsTooEarlyIsRefused() {
    for count in 0..<Self.bin.count {
      guard case .cutShort = problem(Self.param, Array(Self.bin.prefix(count))) else {
        return #expect(Bool(false), "\(count) bytes were enough")
      }
    }
    #expect(problem(Self.param, Self.bin + [0]) == .left(bytes: 1))
  }

  @Test func aDamagedListIsRefused() {
    let lines = Self.param.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    func with(_ line: Int, _ words: String) -> String {
      var lines = lines
      lines[line - 1] = words
      return lines.joined(separator: "\n")
    }
    #expect(problem("") == .notNcnn)
    #expect(problem(with(1, "7767516")) == .notNcnn)
    #expect(problem(with(2, "four 4")) == .line(2))
    #expect(problem(with(2, "99999999999 4")) == .line(2))
    #expect(problem(with(2, "5 4")) == .layerCount(claimed: 5, found: 4))
    #expect(problem(with(4, "Convolution conv")) == .line(4))
    #expect(problem(with(4, "Convolution conv 9 9 data a")) == .line(4))
    #expect(problem(with(4, "Convolution conv 9223372036854775807 1 data a")) == .line(4))
    #expect(problem(with(4, "Convolution conv 1 1 nothing a 0=2 1=1 6=6")) == .line(4))
    #expect(problem(with(4, "Convolution conv 1 1 data a 0=two 1=1 6=6")) == .line(4))
    #expect(problem(with(4, "Convolution conv 1 1 data a 0=2 1=1 5=1 6=7")) == .shape(layer: "conv"))
    #expect(problem(with(4, "Convolution conv 1 1 data a 1=1 5=1 6=6")) == .shape(layer: "conv"))
    #expect(problem(with(4, "Convolution conv 1 1 data a 0=1e9 1=1e9 5=1 6=1e9")) == .shape(layer: "conv"))
    #expect(problem(with(4, "Convolution conv 1 1 data a 0=2 1=1 5=1 6=1e9")) == .cutShort(layer: "conv"))
    #expect(problem(with(5, "LSTM slopes 1 1 a b 0=2")) == .unknownLayer("LSTM"))
    var quantised = Self.bin
    quantised[0] = 0x38
    #expect(problem(Self.param, quantised) == .form(layer: "conv"))
  }
}
