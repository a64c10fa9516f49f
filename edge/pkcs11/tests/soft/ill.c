/* A PKCS#11 library that hands every call on to SoftHSM, but for what ILL_FILE tells it to fall ill of: words, read
 * anew with each call. It notes each C_Login in ILL_LOGINS. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FUNCTIONS = 68, GET_TOKEN_INFO = 6, LOGIN = 18, CREATE_OBJECT = 20, SIGN_INIT = 42, UNWRAP_KEY = 61, DERIVE_KEY = 62 };
enum { DEVICE_MEMORY = 0x31, DEVICE_REMOVED = 0x32, TEMPLATE_INCONSISTENT = 0xD1, MECHANISM_INVALID = 0x70, GENERAL_ERROR = 5 };
enum { PIN_FINAL_TRY = 0x00020000, PIN_LOCKED = 0x00040000 };

typedef unsigned long ulong_t;
typedef struct { unsigned char version[2]; void *functions[FUNCTIONS]; } list_t;
typedef ulong_t (*four_t)(ulong_t, void *, ulong_t, ulong_t);
static list_t real, ours;

static int is_ill_of(const char *word) {
    char text[256] = {0};
    FILE *file = fopen(getenv("ILL_FILE"), "r");
    if (!file) return 0;
    size_t count = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[count] = 0;
    return strstr(text, word) != NULL;
}

static ulong_t get_token_info(ulong_t slot, unsigned char *info) {
    if (is_ill_of("removed")) return DEVICE_REMOVED;
    ulong_t done = ((ulong_t(*)(ulong_t, void *))real.functions[GET_TOKEN_INFO])(slot, info);
    /* label, maker, model, serial number: 32 + 32 + 16 + 16 bytes, then the flags. */
    ulong_t flags;
    memcpy(&flags, info + 96, sizeof flags);
    if (is_ill_of("final-try")) flags |= PIN_FINAL_TRY;
    if (is_ill_of("locked")) flags |= PIN_LOCKED;
    memcpy(info + 96, &flags, sizeof flags);
    return done;
}

static ulong_t login(ulong_t session, ulong_t user, void *pin, ulong_t length) {
    FILE *file = fopen(getenv("ILL_LOGINS"), "a");
    if (file) { fputs("login\n", file); fclose(file); }
    return ((ulong_t(*)(ulong_t, ulong_t, void *, ulong_t))real.functions[LOGIN])(session, user, pin, length);
}

static ulong_t create_object(ulong_t session, void *template, ulong_t count, void *object) {
    if (is_ill_of("no-clear-keys")) return TEMPLATE_INCONSISTENT;
    return ((ulong_t(*)(ulong_t, void *, ulong_t, void *))real.functions[CREATE_OBJECT])(session, template, count, object);
}

static ulong_t sign_init(ulong_t session, void *mechanism, ulong_t key) {
    while (is_ill_of("hangs")) usleep(5000);
    if (is_ill_of("removed")) return DEVICE_REMOVED;
    if (is_ill_of("general")) return GENERAL_ERROR;
    if (is_ill_of("no-cmac")) return MECHANISM_INVALID;
    return ((ulong_t(*)(ulong_t, void *, ulong_t))real.functions[SIGN_INIT])(session, mechanism, key);
}

static ulong_t unwrap_key(ulong_t s, void *m, ulong_t over, void *bytes, ulong_t n, void *t, ulong_t c, void *key) {
    static int full;
    if (is_ill_of("full-for-good")) return DEVICE_MEMORY;
    /* Full once for each time it is told so, then there is room: whoever tidies up is served. */
    if (!is_ill_of("full-once")) full = 0;
    else if (!full++) return DEVICE_MEMORY;
    return ((ulong_t(*)(ulong_t, void *, ulong_t, void *, ulong_t, void *, ulong_t, void *))real.functions[UNWRAP_KEY])(
        s, m, over, bytes, n, t, c, key);
}

static ulong_t derive_key(ulong_t session, void *mechanism, ulong_t base, void *template, ulong_t count, void *key) {
    if (is_ill_of("no-derive")) return MECHANISM_INVALID;
    return ((ulong_t(*)(ulong_t, void *, ulong_t, void *, ulong_t, void *))real.functions[DERIVE_KEY])(
        session, mechanism, base, template, count, key);
}

ulong_t C_GetFunctionList(list_t **out) {
    void *library = dlopen(getenv("ILL_OF"), RTLD_NOW);
    if (!library) return GENERAL_ERROR;
    list_t *list;
    ulong_t done = ((ulong_t(*)(list_t **))dlsym(library, "C_GetFunctionList"))(&list);
    if (done) return done;
    real = ours = *list;
    ours.functions[GET_TOKEN_INFO] = get_token_info;
    ours.functions[LOGIN] = login;
    ours.functions[CREATE_OBJECT] = create_object;
    ours.functions[SIGN_INIT] = sign_init;
    ours.functions[UNWRAP_KEY] = unwrap_key;
    ours.functions[DERIVE_KEY] = derive_key;
    *out = &ours;
    return 0;
}
