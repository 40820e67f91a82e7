# Installs into a temporary prefix, then configures, builds and runs the example project against it.
#   cmake -D BUILD=… -D SOURCE=… -D WORK=… -D COMPILER=… -D FLAGS=… -D CONFIG=… -P run.cmake
file(REMOVE_RECURSE ${WORK})
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    string(REPLACE ";" " " command "${ARGV}")
    message(FATAL_ERROR "${command}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
run(${CMAKE_COMMAND} -S ${SOURCE}/tests/install -B ${WORK}/build -G Ninja -DCMAKE_PREFIX_PATH=${WORK}/prefix
    -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_CXX_FLAGS=${FLAGS} -DCMAKE_BUILD_TYPE=${CONFIG})
run(${CMAKE_COMMAND} --build ${WORK}/build)
# The built-in model is installed, too; the sentence of the seed is a happy one.
run(${WORK}/build/example ${WORK}/prefix/share/filbert/models/stars-en)
message(STATUS "${output}")
if(NOT output MATCHES "filbert [0-9.]+: 5 stars 0\\.[0-9][0-9][0-9]")
  message(FATAL_ERROR "expected \"filbert VERSION: 5 stars SCORE\", found: ${output}")
endif()
foreach(file LICENSE NOTICE)
  if(NOT EXISTS ${WORK}/prefix/share/doc/filbert/${file})
    message(FATAL_ERROR "not installed: ${file}")
  endif()
endforeach()
