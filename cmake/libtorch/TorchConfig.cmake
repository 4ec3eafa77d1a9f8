# Torch as its headers and libraries alone, for `find_package(Torch)` where torch's own configuration file asks for more
# of CUDA than is installed: -DTorch_DIR=<this folder> -DINSTRUCTME_LIBTORCH=<folder with include/ and lib/>, for a
# Python package the folder of `torch`.
if(NOT EXISTS "${INSTRUCTME_LIBTORCH}/include/torch/csrc/api/include/torch/torch.h")
  message(FATAL_ERROR "INSTRUCTME_LIBTORCH must be a folder with libtorch's include/ and lib/, but is "
                      "'${INSTRUCTME_LIBTORCH}'")
endif()
set(TORCH_INCLUDE_DIRS ${INSTRUCTME_LIBTORCH}/include ${INSTRUCTME_LIBTORCH}/include/torch/csrc/api/include)
set(TORCH_LIBRARIES "")
foreach(library torch torch_cpu torch_cuda c10 c10_cuda)
  if(EXISTS ${INSTRUCTME_LIBTORCH}/lib/lib${library}.so)
    list(APPEND TORCH_LIBRARIES ${INSTRUCTME_LIBTORCH}/lib/lib${library}.so)
  endif()
endforeach()
# Kernels register themselves when their library is loaded, so it must not be left out as unused.
list(PREPEND TORCH_LIBRARIES "-Wl,--no-as-needed")
list(APPEND TORCH_LIBRARIES "-Wl,--as-needed")
set(TORCH_CXX_FLAGS "")
set(Torch_FOUND TRUE)
