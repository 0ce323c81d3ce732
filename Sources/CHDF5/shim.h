// HDF5's types are macros, which Swift doesn't import.
#pragma once
#include <hdf5.h>
#include <stdint.h>

/// A file opened for reading, or below 0. HDF5's own messages are silenced: they would go to standard error.
static inline int64_t ch5_open(const char *path) {
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  return H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
}
static inline void ch5_close(int64_t file) { H5Fclose(file); }

/// The sizes of an array, of at most `capacity` dimensions; its rank, or below 0.
static inline int ch5_shape(int64_t file, const char *name, uint64_t *sizes, int capacity) {
  hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
  if (set < 0) return -1;
  hid_t space = H5Dget_space(set);
  int rank = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
  if (rank > capacity) rank = -1;
  hsize_t dims[32];
  if (rank > 32) rank = -1;
  if (rank > 0 && H5Sget_simple_extent_dims(space, dims, NULL) < 0) rank = -1;
  for (int i = 0; i < rank; i++) sizes[i] = dims[i];
  if (space >= 0) H5Sclose(space);
  H5Dclose(set);
  return rank;
}

/// All of an array as floats; 0 when it went well.
static inline int ch5_read(int64_t file, const char *name, float *out) {
  hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
  if (set < 0) return -1;
  int failed = H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) < 0;
  H5Dclose(set);
  return failed;
}
