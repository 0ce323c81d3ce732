import Foundation
import Networks
import Testing
import Torch

private final class Block: Module {
  let conv1: Conv2d, norm: BatchNorm2d, toRGB: SpectralNorm<Conv2d>
  init(_ channels: Int) {
    conv1 = Conv2d(channels, channels, kernel: 3, padding: 1, bias: false)
    norm = BatchNorm2d(channels)
    toRGB = SpectralNorm(Conv2d(channels, 3, kernel: 1))
  }
}

/// The same as `Composed` of Tests/Goldens/networks.py.
private final class Composed: Module {
  let embed = Embedding(3, 4)
  let main = Sequential(Linear(4, 8), LeakyReLU(), Sequential(Linear(8, 8), LayerNorm(8)))
  let blocks = [Block(4), Block(4)]
  let attention = MultiheadAttention(8, heads: 2)
  let skip: Linear? = nil
  let out = WeightNorm(Conv1d(2, 2, kernel: 3))
}

struct ModuleTests {
  @Test func namesAndShapesArePyTorchs() throws {
    let metadata = try Golden().metadata
    let listed = try #require(JSONSerialization.jsonObject(with: Data(metadata["state_dict"]!.utf8)) as? [[Any]])
    let expected = Dictionary(uniqueKeysWithValues: listed.map { ($0[0] as! String, $0[1] as! [Int]) })
    let module = Composed()
    #expect(module.savedTensors.mapValues(\.shape) == expected)
    let trained = try #require(JSONSerialization.jsonObject(with: Data(metadata["parameters"]!.utf8)) as? [String])
    #expect(Set(module.state.filter(\.tensor.requiresGradient).map(\.name)) == Set(trained))
    #expect(module.parameters.count == trained.count)
  }

  @Test func parametersAreNaNUntilInitialised() {
    let module = Composed()
    for parameter in module.parameters { #expect(parameter.isFinite().any().item() == 0) }
    var noise = Noise(seed: 1)
    module.initialize(&noise)
    for (name, tensor) in module.state { #expect(tensor.allFinite, "\(name)") }
  }

  @Test func theSameSeedGivesPyTorchsNetwork() throws {
    let golden = try Golden()
    let module = Sequential(
      Linear(6, 5), Conv2d(2, 3, kernel: 3), ConvTranspose2d(2, 4, kernel: 3), Embedding(3, 4), BatchNorm2d(3))
    var noise = Noise(seed: 5)
    module.initialize(&noise)
    // The bound is rounded in another order.
    for (name, tensor) in module.state { #expect(agree(tensor, golden["initial/\(name)"], to: 2e-7), "\(name)") }
    let attention = MultiheadAttention(8, heads: 2)
    noise = Noise(seed: 6)
    attention.initialize(&noise)
    for (name, tensor) in attention.state {
      #expect(agree(tensor, golden["initial attention/\(name)"], to: 2e-7), "\(name)")
    }
  }

  @Test func standardWeightsStayInTheirBounds() {
    var noise = Noise(seed: 2)
    let conv = Conv2d(16, 64, kernel: 3)
    conv.initialize(&noise)
    let bound = 1 / (16.0 * 9).squareRoot()
    for tensor in [conv.weight, conv.bias!] {
      #expect(tensor.max().item() <= bound && tensor.min().item() >= -bound)
    }
    // The largest of 9,216 uniform draws.
    #expect(conv.weight.max().item() > 0.99 * bound)
    #expect(Swift.abs(conv.weight.mean().item()) < 5 * bound / (3.0 * 9216).squareRoot())
  }

  @Test func schemesHaveTheirDeviations() {
    var noise = Noise(seed: 3)
    let network = Sequential(Conv2d(16, 64, kernel: 3), BatchNorm2d(1000))
    func deviation() -> Double { network.state[0].tensor.flattened().std(dims: [0]).item() }
    // 9,216 draws: the deviation is known to 0.75 %; five of these.
    network.initialize(&noise, as: .normal(0.02))
    #expect(Swift.abs(deviation() / 0.02 - 1) < 0.04)
    #expect(network.state[1].tensor.norm().item() == 0)
    let scale = network.state[2].tensor
    // 1,000 draws: 2.2 %; five of these.
    #expect(Swift.abs(scale.std(dims: [0]).item() / 0.02 - 1) < 0.11 && Swift.abs(scale.mean().item() - 1) < 0.004)
    network.initialize(&noise, as: .fanIn(gain: 2))
    #expect(Swift.abs(deviation() / (2.0 / 12) - 1) < 0.04)
    #expect(scale.isEqual(to: Tensor.ones([1000])))
    network.initialize(&noise, as: .xavier(gain: 1))
    #expect(network.state[0].tensor.max().item() <= (6.0 / (144 + 576)).squareRoot())
    network.initialize(&noise, as: .zero)
    #expect(network.parameters.allSatisfy { $0.norm().item() == 0 })
    network.initialize(&noise, as: .orthogonal(gain: 3))
    let rows = network.state[0].tensor.flattened(from: 1)
    // Products of rows of 144 float32 numbers.
    #expect(agree(rows.matmul(rows.T) / 9, Tensor.eye(64), to: 1e-5))
  }

  @Test func loadRefusesWhatDoesNotFitAndChangesNothing() throws {
    let module = Sequential(Linear(2, 3), Linear(3, 1))
    var noise = Noise(seed: 4)
    module.initialize(&noise)
    let before = module.parameters.map(\.floats)
    var named = module.savedTensors.mapValues { $0.detached() + 1 }
    named["1.weight"] = Tensor.zeros([1, 4])
    #expect(throws: StateError.shape("1.weight", expected: [1, 3], found: [1, 4])) { try module.load(named) }
    named["1.weight"] = nil
    #expect(throws: StateError.missing("1.weight")) { try module.load(named) }
    named["1.weight"] = Tensor.zeros([1, 3])
    named["2.weight"] = Tensor.zeros([1])
    #expect(throws: StateError.unexpected("2.weight")) { try module.load(named) }
    #expect(module.parameters.map(\.floats) == before)
    try module.load(named, strict: false)
    #expect(module.parameters[2].floats == [0, 0, 0])
    #expect(StateError.missing("a").exit == .data)
  }

  @Test func layoutChangesInPlaceAndPredictionsStay() {
    var noise = Noise(seed: 6)
    let network = Sequential(Conv2d(3, 8, kernel: 3), BatchNorm2d(8), LeakyReLU(), Conv2d(8, 2, kernel: 3))
    network.initialize(&noise)
    network.setTraining(false)
    let x = noise.normal([2, 3, 8, 8])
    let y = network(x)
    let parameters = network.parameters
    network.useChannelsLast()
    #expect(zip(parameters, network.parameters).allSatisfy { $0 === $1 && $1.requiresGradient })
    #expect(parameters[0].isChannelsLast && !parameters[0].isContiguous)
    // Sums in another order.
    #expect(agree(network(x.channelsLast()), y))
  }

  @Test func modesReachEveryModule() {
    let module = Composed()
    module.setTraining(false)
    #expect(module.modules.allSatisfy { ($0 as? any ModeDependent)?.isTraining != true })
    #expect(module.modules.count { $0 is any ModeDependent } == 4)
  }

  @Test func sharedModulesAreTrainedOnce() {
    let shared = Linear(2, 2)
    let network = Sequential(shared, ReLU(), shared)
    #expect(network.parameters.count == 2)
    #expect(network.parameterCount == 6)
    #expect(network.state.map(\.name) == ["0.weight", "0.bias", "2.weight", "2.bias"])
  }
}
