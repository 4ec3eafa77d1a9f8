add_library(instructme_sanitizers INTERFACE)
if(INSTRUCTME_SANITIZE)
  target_compile_options(instructme_sanitizers INTERFACE -fsanitize=${INSTRUCTME_SANITIZE} -fno-omit-frame-pointer
                                                         -fno-sanitize-recover=all)
  target_link_options(instructme_sanitizers INTERFACE -fsanitize=${INSTRUCTME_SANITIZE})
endif()
