import Testing
import Torch

@Suite struct TensorTests {
  @Test func everyOperatorOfTheBindingResolves() {
    // All are resolved together at first use; a misspelt one traps.
    let x = Tensor([1, 2] as [Float]) + 1.0
    #expect(x.floats == [2, 3])
  }

  @Test func theLoadedLibraryIsTheOneCompiledAgainst() {
    #expect(LibTorch.version.hasPrefix(LibTorch.loadedVersion))
  }

  /// A list of results has no room that could be too small: a set of digits is unbound into 5,000.
  @Test func anOperatorMayReturnAnyNumberOfTensors() {
    let x = Tensor.arange(20_000).reshaped([10_000, 2])
    let rows = x.unbound()
    #expect(rows.count == 10_000 && rows[9_999].ints == [19_998, 19_999])
    #expect(x.split(into: [Int](repeating: 1, count: 10_000)).count == 10_000)
    #expect(Tensor.stacked(rows).isEqual(to: x))
  }

  @Test func elementsGoInAndComeOut() {
    let x = Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
    #expect(x.shape == [2, 3])
    #expect(x.T.floats == [1, 4, 2, 5, 3, 6])
    #expect(x.to(.int64).ints == [1, 2, 3, 4, 5, 6])
    #expect(x.to(.bfloat16).rawBytes.count == 12)
    #expect(x.max().item() == 6)
    #expect(Tensor([] as [Float], shape: [0, 3]).count == 0)
  }

  @Test func indexingMakesViews() {
    let x = Tensor.arange(12).reshaped([3, 4])
    #expect(x[1].ints == [4, 5, 6, 7])
    #expect(x[-1].ints == [8, 9, 10, 11])
    #expect(x[1..<3].shape == [2, 4])
    #expect(x[Tensor([2, 0])].ints == [8, 9, 10, 11, 0, 1, 2, 3])
    #expect(x[x.to(.float32).greater(than: 9.0)].ints == [10, 11])
    withoutGradients { x[0].fill(7) }
    #expect(x[0].ints == [7, 7, 7, 7])
  }

  @Test func channelsLastKeepsTheValues() {
    let x = Tensor.arange(24, dtype: .float32).reshaped([1, 2, 3, 4])
    let y = x.channelsLast()
    #expect(y.isChannelsLast && !y.isContiguous)
    #expect(y.floats == x.floats)
  }

  @Test func becomingKeepsTheIdentity() {
    let x = Tensor.zeros([2]).requiringGradient()
    x.become(Tensor.ones([3]))
    #expect(x.shape == [3] && x.requiresGradient && x.isLeaf)
  }

  @Test func listsComeBack() {
    let x = Tensor.arange(6).reshaped([2, 3])
    #expect(x.unbound(dim: 1).map(\.ints) == [[0, 3], [1, 4], [2, 5]])
    #expect(x.split(into: [1, 2], dim: 1)[1].ints == [1, 2, 4, 5])
    #expect(Tensor.concatenated([x, x]).shape == [4, 3])
    #expect(einsum("ij,kj->ik", [x.to(.float32), x.to(.float32)]).floats == [5, 14, 14, 50])
  }

  @Test func namesOfDevicesAreChecked() throws {
    #expect(try Device(named: "cpu") == .cpu)
    #expect(throws: DeviceError.unknown("gpu")) { try Device(named: "gpu") }
    #expect(throws: DeviceError.unknown("cuda:x")) { try Device(named: "cuda:x") }
    #expect(throws: DeviceError.absent("cuda:99", reason: Device.whyNoCUDA(99))) { try Device(named: "cuda:99") }
    #expect(Device.cudaCount > 0 || Device.whyNoCUDA() == "this LibTorch is built for processors only")
  }
}
