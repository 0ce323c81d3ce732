import Networks
import Torch
import Training

/// How directions in a generator's styles are found, without any labels.
public enum DirectionMethod: String, Sendable, CaseIterable, Codable {
  /// Where styles differ most: principal components of w (GANSpace, Härkönen et al. 2020, section 2.2).
  case ganspace
  /// What moves the layers most: eigenvectors of what turns styles into scales (SeFa, Shen and Zhou 2021, equation 6).
  case sefa
}

/// Directions [count, D] float32 on the CPU in which styles can be moved, the strongest first, at right angles to one
/// another. A step of 1 is one standard deviation of w along each.
///
/// - Parameter count: at most D are given.
public func styleDirections(of model: some StyleModel, count: Int, by method: DirectionMethod) -> Tensor {
  withoutGradients {
    let seeds = (0..<4096).map { UInt64($0) }
    // All layers have the same w.
    let w = model.styles(PictureRequest(latents: model.latents(seeds: seeds))).narrowed(dim: 1, from: 0, count: 1)
      .flattened(from: 1).to(.cpu).to(.float64)
    let centred = w - w.mean(dims: [0], keepDims: true)
    let covariance = matmul(centred.T, centred) / Double(w.size(0) - 1)
    let symmetric: Tensor
    switch method {
    case .ganspace: symmetric = covariance
    case .sefa:
      // Layers count alike, whatever their size.
      symmetric = model.styleWeights.map { weight -> Tensor in
        let a = weight.to(.cpu).to(.float64)
        return matmul(a.T, a) / square(a).sum()
      }.reduce(Tensor.zeros([w.size(1), w.size(1)]).to(.float64)) { $0 + $1 }
    }
    let vectors = eigh(symmetric).vectors
    let d = vectors.size(0), taken = min(count, d)
    let rows = (1...taken).map { i -> Tensor in
      let v = vectors.narrowed(dim: 1, from: d - i, count: 1).flattened(from: 0)
      // Either sign would do; one is taken always.
      let sign = v.sum().item() < 0 ? -1.0 : 1
      let deviation = matmul(matmul(v.unsqueezed(0), covariance), v.unsqueezed(1)).item().squareRoot()
      return v * (sign * deviation)
    }
    return Tensor.stacked(rows).to(.float32)
  }
}

extension StyleModel {
  /// As `pictures`, of styles that are moved.
  ///
  /// - Parameter moves: [1 or N, layers, D], added to the styles.
  public func pictures(_ request: PictureRequest, moved moves: Tensor) -> Tensor {
    withoutGradients { pictures(of: styles(request).to(.cpu) + moves) }
  }

  /// Pictures [N · M, C, H, W], row by row, with the coarse layers of one and the fine ones of another: style mixing
  /// (Karras et al. 2019, section 3.1).
  ///
  /// - Parameters:
  ///   - coarse: N pictures, of the first `layer` layers.
  ///   - fine: M pictures, of the others.
  public func mixed(coarse: PictureRequest, fine: PictureRequest, at layer: Int) -> Tensor {
    withoutGradients {
      let (a, b) = (styles(coarse).to(.cpu), styles(fine).to(.cpu))
      let layers = a.size(1)
      let pairs = a.unbound().flatMap { first in
        b.unbound().map { second in
          Tensor.concatenated(
            [
              first.narrowed(dim: 0, from: 0, count: layer),
              second.narrowed(dim: 0, from: layer, count: layers - layer),
            ])
        }
      }
      return pictures(of: Tensor.stacked(pairs))
    }
  }

  private func pictures(of styles: Tensor) -> Tensor {
    inEqualBatches(of: 16, styles) { rows in
      straightened(clamp(synthesize(rows.to(device(of: rows))).to(.cpu), min: -1, max: 1)).contiguous()
    }
  }

  private func device(of rows: Tensor) -> Device { styleWeights.first?.device ?? rows.device }
}
