import Torch

/// Paint that stays on what moves: each painted frame is mixed with the one before, carried along by the optical flow of
/// the film, where the film shows the same there (after Lai et al. 2018, section 3.3, whose trust this is).
public struct Steadying {
  /// Share of the frame before, where it is trusted: 0...1.
  public var strength = 0.8
  /// Difference of colours, 0...1, at which trust has fallen to 1/e.
  public var reach = 0.06
  /// Longer side at which flow is looked for, in pixels.
  public var flowSide = 256
  public var flow = OpticalFlow(.quick)

  public init() {}

  /// How a film moved from one frame to the next.
  public struct Motion {
    /// From the frame to the one before, [1, 2, H, W] in pixels.
    public let flow: Tensor
    /// [1, 1, H, W] in 0...1: whether the same is seen there.
    public let trust: Tensor
    /// Whether the frames show something else altogether.
    public var isCut: Bool { trust.mean().item() < 0.3 }
  }

  /// - Parameters:
  ///   - frame: [1, 3, H, W] in 0...1.
  ///   - previous: the frame before.
  public func motion(of frame: Tensor, after previous: Tensor) -> Motion {
    withoutGradients {
      let size = [frame.size(2), frame.size(3)]
      let small = size.max()! > flowSide ? fitted(size[0], size[1], longer: flowSide) : size
      var found = flow.flow(from: resized(frame, small), to: resized(previous, small))
      if small != size {
        let growth = [Float(size[1]) / Float(small[1]), Float(size[0]) / Float(small[0])]
        found = interpolate(found, size: size, mode: .bilinear) * Tensor(growth, shape: [1, 2, 1, 1]).to(frame.device)
      }
      let difference = blurred(square(frame - warped(previous, by: found)).mean(dims: [1], keepDims: true), sigma: 1)
      let trust = exp(difference * (-1 / (reach * reach))) * insidePicture(found).to(.float32)
      return Motion(flow: found, trust: trust)
    }
  }

  /// Averages and warps take the grain off strokes: it is set to that of the frame's own painting again.
  ///
  /// - Parameters:
  ///   - painted: the frame as it was painted, [1, 3, H, W] in 0...1.
  ///   - moved: the frame before as it was given out, warped.
  /// - Returns: the same, in 0...1.
  public func mixed(_ painted: Tensor, with moved: Tensor, _ motion: Motion) -> Tensor {
    withoutGradients {
      let mixed = painted + (moved - painted) * (motion.trust * strength)
      guard [painted.size(2), painted.size(3)].min()! >= Texture.least else { return clamp(mixed, min: 0, max: 1) }
      return clamp(Texture(of: painted).carried(to: clamp(mixed, min: 0, max: 1)), min: 0, max: 1)
    }
  }
}

extension OpticalFlowSettings {
  /// For following paint: as right as the eye needs.
  public static var quick: OpticalFlowSettings {
    var settings = OpticalFlowSettings()
    (settings.warps, settings.iterations) = (3, 6)
    return settings
  }
}
