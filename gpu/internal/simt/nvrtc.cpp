// The fake run-time compiler. Kernels were compiled into this library when it was built; what it "compiles" is an
// image that names its source files and their hashes, and loads only if the emulator was built from the same files.
// Every text that the program is made of is held against the source of the same name in kernels/: the program's own
// and its headers'. A program's own text may also be one that only includes others.
#include "driver.h"
#include <cstdio>

namespace simt {

// Source is a file of kernels/ as it was when the emulator was built (sources.cpp).
struct Source {
    const char *name, *begin, *end;
};
extern const Source sources[];

namespace {

constexpr char magic[] = "SIMTIMG1";

// hash is FNV-1a, 64 bits.
uint64_t hash(const std::string &text) {
    uint64_t h = 0xcbf29ce484222325;
    for (unsigned char c : text)
        h = (h ^ c) * 0x100000001b3;
    return h;
}

std::string base(const std::string &path) { return path.substr(path.rfind('/') + 1); }

const Source *source(const std::string &name) {
    for (const Source *s = sources; s->name; s++)
        if (base(s->name) == name)
            return s;
    return nullptr;
}

// only_includes says whether a text has no line other than includes, comments and empty ones.
bool only_includes(const std::string &text) {
    for (size_t at = 0; at < text.size();) {
        size_t end = std::min(text.find('\n', at), text.size()), first = text.find_first_not_of(" \t", at);
        if (first < end && text.compare(first, 8, "#include") && text.compare(first, 2, "//"))
            return false;
        at = end + 1;
    }
    return true;
}

std::string stale(const std::string &name, bool known) {
    return "the emulator is stale: it was built " + std::string(known ? "from another version of" : "without") + " kernels/" + name +
           "; run `make emulator`";
}

} // namespace

// verify reads the image: the magic, then a line for each source file with its hash.
Result verify(const void *image, std::string &why) {
    const char *p = static_cast<const char *>(image);
    if (!p || memcmp(p, magic, 4) || strncmp(p, magic, sizeof magic - 1)) {
        why = "the emulator loads only what its own run-time compiler made; real images have no code for it";
        return no_binary_for_gpu;
    }
    p += sizeof magic - 1;
    char name[256];
    unsigned long long wanted;
    int used;
    while (sscanf(p, " %255s %llx%n", name, &wanted, &used) == 2) {
        const Source *s = source(name);
        if (!s || hash(std::string(s->begin, s->end)) != wanted) {
            why = stale(name, s);
            return invalid_image;
        }
        p += used;
    }
    return success;
}

} // namespace simt

struct _nvrtcProgram {
    std::map<std::string, std::string> files; // by base name
    std::string entry, image, log;
};

namespace {

enum Outcome { ok = 0, invalid_input = 3, invalid_program = 4, invalid_option = 5, failed = 6 };

std::string check(const _nvrtcProgram &p) {
    for (auto &[name, text] : p.files) {
        const simt::Source *s = simt::source(name);
        bool same = s && text == std::string(s->begin, s->end);
        if (!same && !(name == p.entry && simt::only_includes(text)))
            return simt::stale(name, s);
    }
    return "";
}

int copy_out(const std::string &text, char *to) {
    memcpy(to, text.c_str(), text.size() + 1);
    return ok;
}

} // namespace

#define SIMT_DECLARE_NVRTC(symbol, parameters, arguments) SIMT_API nvrtcResult symbol parameters;
CONTIG_NVRTC_FUNCTIONS(SIMT_DECLARE_NVRTC)

SIMT_API nvrtcResult nvrtcVersion(int *major, int *minor) {
    *major = 13;
    *minor = 0;
    return ok;
}

SIMT_API const char *nvrtcGetErrorString(nvrtcResult code) {
    switch (code) {
    case ok:
        return "NVRTC_SUCCESS";
    case invalid_input:
        return "NVRTC_ERROR_INVALID_INPUT";
    case invalid_program:
        return "NVRTC_ERROR_INVALID_PROGRAM";
    case invalid_option:
        return "NVRTC_ERROR_INVALID_OPTION";
    case failed:
        return "NVRTC_ERROR_COMPILATION";
    }
    return "NVRTC_ERROR unknown";
}

SIMT_API nvrtcResult nvrtcGetNumSupportedArchs(int *count) {
    *count = 1;
    return ok;
}

SIMT_API nvrtcResult nvrtcGetSupportedArchs(int *archs) {
    *archs = 90;
    return ok;
}

SIMT_API nvrtcResult nvrtcCreateProgram(nvrtcProgram *prog, const char *text, const char *name, int count, const char *const *headers,
                                        const char *const *names) {
    if (!prog || !text || count < 0)
        return invalid_input;
    nvrtcProgram p = new _nvrtcProgram;
    p->entry = simt::base(name ? name : "default_program");
    p->files[p->entry] = text;
    for (int i = 0; i < count; i++)
        p->files[simt::base(names[i])] = headers[i];
    *prog = p;
    return ok;
}

SIMT_API nvrtcResult nvrtcDestroyProgram(nvrtcProgram *prog) {
    delete *prog;
    *prog = nullptr;
    return ok;
}

SIMT_API nvrtcResult nvrtcCompileProgram(nvrtcProgram prog, int count, const char *const *options) {
    if (!prog)
        return invalid_program;
    for (int i = 0; i < count; i++)
        if (options[i][0] != '-')
            return invalid_option;
    prog->log = check(*prog);
    if (!prog->log.empty())
        return failed;
    prog->image = simt::magic;
    for (auto &[name, text] : prog->files) {
        char b[320];
        snprintf(b, sizeof b, "\n%s %016llx", name.c_str(), static_cast<unsigned long long>(simt::hash(text)));
        if (simt::source(name))
            prog->image += b;
    }
    prog->image += "\nend";
    return ok;
}

SIMT_API nvrtcResult nvrtcGetCUBINSize(nvrtcProgram prog, size_t *bytes) {
    *bytes = prog->image.size() + 1;
    return ok;
}
SIMT_API nvrtcResult nvrtcGetCUBIN(nvrtcProgram prog, char *cubin) { return copy_out(prog->image, cubin); }
SIMT_API nvrtcResult nvrtcGetProgramLogSize(nvrtcProgram prog, size_t *bytes) {
    *bytes = prog->log.size() + 1;
    return ok;
}
SIMT_API nvrtcResult nvrtcGetProgramLog(nvrtcProgram prog, char *log) { return copy_out(prog->log, log); }
