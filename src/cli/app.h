// The parser of a command's options, by its name: CLI11's header takes seconds to compile, so that it is read only where
// options are declared, parsed and described (options.cpp, help.cpp, completion.cpp, main.cpp).
#pragma once

namespace CLI {
class App;
}
