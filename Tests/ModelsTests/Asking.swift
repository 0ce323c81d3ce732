import Torch
import Training

extension PictureModel {
  /// Pictures of seeds, with a request that is checked first.
  func sample(seeds: [UInt64], _ change: (inout PictureRequest) -> Void) throws(RecipeError) -> Tensor {
    var request = PictureRequest(seeds: seeds)
    change(&request)
    try check(request)
    return pictures(request)
  }
}
