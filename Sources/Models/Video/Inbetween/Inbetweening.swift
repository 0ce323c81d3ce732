import Networks
import Torch

/// Frames between two frames: what moves is drawn on its way.
///
/// A network says where a pixel of the middle is seen in both (`InbetweenNetwork`). Beside that, the optical flow between
/// the two is reversed to flows from the middle frame, by the fixed point of Chen et al. 2008 ("A simple fixed-point approach
/// to invert a deformation field"). Both frames are warped to the middle by each of these candidates, which are mixed by how
/// well their two sides show the same (after Herbst et al. 2009, sections 3 and 4). What only one frame shows is taken from
/// that one. Where nothing fits, the frames fade.
///
///     let motion = Inbetweening(network).motion(from: first, to: second)
///     let quarter = motion.frame(at: 0.25), half = motion.frame(at: 0.5)
public struct Inbetweening {
  /// Longer side at which flow is looked for, in pixels.
  public var flowSide = 480
  public var flow = OpticalFlow(.between)
  /// Times that a flow is followed back from the middle.
  public var reversals = 6
  /// Difference of colours, 0...1, that a candidate must be better by to count e times as much.
  public var reach = 0.02
  /// What fading costs besides its difference, so that it is taken where nothing fits only.
  public var fading = 0.02

  /// The network alone, without optical flow: some three times as fast.
  public var isQuick = false
  private let network: InbetweenNetwork?
  private var usesBFloat16 = false

  /// By optical flow alone.
  public init() { network = nil }

  /// - Parameters:
  ///   - network: on the device of the frames.
  ///   - precision: of the network: auto, bfloat16 or float32.
  public init(_ network: InbetweenNetwork, precision: String = "auto", on device: Device) {
    self.network = network
    usesBFloat16 = precision == "bfloat16" || precision == "auto" && device.prefersBFloat16
  }

  /// - Parameters:
  ///   - first: [1, C, H, W] in 0...1; C is 3, or 4 with colours multiplied by alpha.
  ///   - second: of the same shape.
  /// - Returns: what frames between them are made of.
  public func motion(from first: Tensor, to second: Tensor) -> Motion {
    precondition(
      first.rank == 4 && first.shape == second.shape && (3...4).contains(first.size(1)),
      "frames of shapes \(first.shape) and \(second.shape)")
    return withoutGradients { Motion(first, second, self) }
  }

  /// One frame: of the shape of the two, at time `t` from 0, which is `first`, to 1.
  ///
  /// Several of a pair are made faster by one `motion`.
  public func frame(between first: Tensor, and second: Tensor, at t: Double) -> Tensor {
    motion(from: first, to: second).frame(at: t)
  }

  /// Whether a frame is the one before, held: nowhere do they differ by more than what a codec leaves.
  ///
  /// - Parameters: [1, C, H, W] in 0...1, of one shape.
  public static func isHeld(_ second: Tensor, after first: Tensor) -> Bool {
    let difference = abs(first - second).mean(dims: [1], keepDims: true)
    guard difference.mean().item() < 0.004 else { return false }
    // What moves may be small.
    let side = min(8, first.size(2), first.size(3))
    return averagePool2d(difference, kernel: side).max().item() < 0.045
  }
}

extension Inbetweening {
  /// How one frame becomes the next.
  public struct Motion {
    private let first: Tensor, second: Tensor
    private let settings: Inbetweening
    /// At the flow's size: frames, flows in its pixels [1, 2, h, w], and what the other frame hides [1, 1, h, w].
    private let small: (first: Tensor, second: Tensor)
    /// Nil when the network works alone.
    private let flows: Flows?
    private struct Flows {
      let forward: Tensor, backward: Tensor
      let hidden: (first: Tensor, second: Tensor)
    }
    /// Whether the frames show something else altogether: then there is nothing between them.
    public let isCut: Bool

    fileprivate init(_ first: Tensor, _ second: Tensor, _ settings: Inbetweening) {
      (self.first, self.second, self.settings) = (first, second, settings)
      let size = [first.size(2), first.size(3)]
      let flowSize = size.max()! > settings.flowSide ? fitted(size[0], size[1], longer: settings.flowSide) : size
      let (a, b) = (resized(first, flowSize), resized(second, flowSize))
      small = (a, b)
      func trust(_ x: Tensor, _ y: Tensor) -> Double {
        let difference = blurred(square(x - y).mean(dims: [1], keepDims: true), sigma: 1)
        let reach = Steadying().reach
        return exp(difference * (-1 / (reach * reach))).mean().item()
      }
      guard settings.network == nil || !settings.isQuick else {
        flows = nil
        let found = settings.found(a, b, at: 0.5)
        isCut = trust(warped(a, by: found.toFirst), warped(b, by: found.toSecond)) < 0.3
        return
      }
      // Both ways at once.
      let (one, other) = (onGrey(a), onGrey(b))
      let both = settings.flow.flow(from: Tensor.concatenated([one, other]), to: Tensor.concatenated([other, one]))
      let (forward, backward) = (both[0..<1], both[1..<2])
      flows = Flows(
        forward: forward, backward: backward,
        hidden: (
          occlusions(forward: forward, backward: backward, edges: false),
          occlusions(forward: backward, backward: forward, edges: false)
        ))
      isCut = max(trust(a, warped(b, by: forward)), trust(b, warped(a, by: backward))) < 0.3
    }

    /// - Parameter t: from 0, the first frame, to 1, the second; both are given back as they are. Across a cut the nearer
    ///   frame is held.
    /// - Returns: [1, C, H, W] in 0...1.
    public func frame(at t: Double) -> Tensor {
      precondition((0...1).contains(t), "a frame at \(t) isn't between two")
      if t == 0 || t == 1 || isCut { return t <= 0.5 ? first : second }
      return withoutGradients {
        var candidates: [Candidate] = []
        if let flows {
          candidates = [
            candidate(along: flows.forward, t, flows.hidden.first, isForward: true),
            candidate(along: flows.backward, 1 - t, flows.hidden.second, isForward: false),
            Candidate(
              toFirst: Tensor.zeros(flows.forward.shape, on: first.device),
              toSecond: Tensor.zeros(flows.forward.shape, on: first.device),
              share: Tensor.full(flows.hidden.first.shape, t).to(first.device),
              cost: disagreement(small.first, small.second) + settings.fading),
          ]
        }
        if settings.network != nil {
          let found = settings.found(small.first, small.second, at: t)
          let fit = disagreement(
            warped(small.first, by: found.toFirst), warped(small.second, by: found.toSecond))
          // Where it takes one frame alone, the other needn't fit.
          let alone = abs(found.share - 0.5) * 2
          candidates.append(
            Candidate(
              toFirst: found.toFirst, toSecond: found.toSecond, share: found.share,
              cost: fit + (minimum(fit, 0.03 + fit * 0) - fit) * square(alone)))
        }
        // Smooth, since where the candidates' borders are is uncertain: crumbs fade.
        let weights = blurred(
          softmax(Tensor.concatenated(candidates.map(\.cost), dim: 1) * (-1 / settings.reach), dim: 1), sigma: 1.5)
        let size = [first.size(2), first.size(3)]
        var sum: Tensor?
        for (i, candidate) in candidates.enumerated() {
          let weight = weights.narrowed(dim: 1, from: i, count: 1)
          let part =
            seen(first, candidate.toFirst, weight * (1 - candidate.share), size)
            + seen(second, candidate.toSecond, weight * candidate.share, size)
          sum = sum.map { $0 + part } ?? part
        }
        return clamp(sum!, min: 0, max: 1)
      }
    }

    /// One way to see the middle frame, at the flow's size.
    private struct Candidate {
      /// From the middle to each frame, [1, 2, h, w] in pixels.
      let toFirst: Tensor, toSecond: Tensor
      /// Of the second frame in the mixture, [1, 1, h, w].
      let share: Tensor
      /// How badly both frames fit, [1, 1, h, w].
      let cost: Tensor
    }

    /// - Parameters:
    ///   - flow: from one frame to the other.
    ///   - way: how far along it the middle is, 0...1.
    ///   - hidden: what of the one the other doesn't show.
    private func candidate(along flow: Tensor, _ way: Double, _ hidden: Tensor, isForward: Bool) -> Candidate {
      var back = flow * -way
      for _ in 0..<settings.reversals { back = warped(flow, by: back) * -way }
      let found = warped(flow, by: back)
      let rest = sqrt(square(back + found * way).sum(dims: [1], keepDims: true))
      let ahead = found * (1 - way)
      let alone = warped(hidden, by: back)
      let (one, other) = isForward ? (small.first, small.second) : (small.second, small.first)
      let fit = disagreement(warped(one, by: back), warped(other, by: ahead))
      let cost = fit + (0.03 - fit) * alone + clamp(rest * 0.02, max: 0.2)
      let share = (1 - blurred(alone, sigma: 1.5)) * way
      return isForward
        ? Candidate(toFirst: back, toSecond: ahead, share: share, cost: cost)
        : Candidate(toFirst: ahead, toSecond: back, share: 1 - share, cost: cost)
    }

    private func disagreement(_ x: Tensor, _ y: Tensor) -> Tensor {
      blurred(abs(x - y).mean(dims: [1], keepDims: true), sigma: 1.5)
    }

    /// A frame through a flow, times its weight, both given at the flow's size.
    private func seen(_ frame: Tensor, _ flow: Tensor, _ weight: Tensor, _ size: [Int]) -> Tensor {
      let own = [flow.size(2), flow.size(3)]
      guard own != size else { return warped(frame, by: flow, mode: .bicubic) * weight }
      let growth = Tensor([Float(size[1]) / Float(own[1]), Float(size[0]) / Float(own[0])], shape: [1, 2, 1, 1])
      let large = interpolate(flow, size: size, mode: .bilinear) * growth.to(flow.device)
      return warped(frame, by: large, mode: .bicubic) * interpolate(weight, size: size, mode: .bilinear)
    }
  }
}

extension Inbetweening {
  /// What the network says of a moment, at the frames' size.
  fileprivate func found(_ first: Tensor, _ second: Tensor, at t: Double) -> (
    toFirst: Tensor, toSecond: Tensor, share: Tensor
  ) {
    let (height, width, unit) = (first.size(2), first.size(3), InbetweenNetwork.multiple)
    let (down, right) = ((unit - height % unit) % unit, (unit - width % unit) % unit)
    func filled(_ x: Tensor) -> Tensor {
      (down + right > 0 ? pad(onGrey(x), [0, right, 0, down], mode: .replicate) : onGrey(x)).channelsLast()
    }
    let time = Tensor.full([1, 1, 1, 1], t).to(first.device)
    let between = withAutocast(usesBFloat16, on: first.device) {
      network!(filled(first), filled(second), at: time).last!
    }
    func cut(_ x: Tensor) -> Tensor {
      x.narrowed(dim: 2, from: 0, count: height).narrowed(dim: 3, from: 0, count: width)
    }
    let parts = cut(between.flows).chunks(2, dim: 1)
    return (parts[0], parts[1], 1 - sigmoid(cut(between.share)))
  }
}

extension OpticalFlowSettings {
  /// For frames between: more warps than these four gained 0.03 dB.
  public static var between: OpticalFlowSettings {
    var settings = OpticalFlowSettings()
    settings.warps = 4
    return settings
  }
}

/// What a flow is looked for in, [1, 3, H, W]: what is transparent is grey.
private func onGrey(_ x: Tensor) -> Tensor {
  guard x.size(1) == 4 else { return x }
  return x.narrowed(dim: 1, from: 0, count: 3) + (1 - x.narrowed(dim: 1, from: 3, count: 1)) * 0.5
}
