//! Stands in for crictl, which Debian does not have: `-r ENDPOINT -i ENDPOINT inspecti -o json IMAGE` asks the engine
//! for ImageStatus and prints the answer in crictl's format, or crictl's message if the image is missing.

use std::env;
use std::process::ExitCode;

use k8s_cri::v1::image_service_client::ImageServiceClient;
use k8s_cri::v1::{ImageSpec, ImageStatusRequest};
use serde_json::json;
use tonic::transport::Endpoint;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ["-r", runtime, "-i", endpoint, "inspecti", "-o", "json", image] = words[..] else {
        eprintln!("the installer does not call crictl like this: {words:?}");
        return ExitCode::FAILURE;
    };
    assert_eq!(runtime, endpoint, "one engine");
    let channel = Endpoint::from_shared(endpoint.to_owned()).expect("an address").connect().await;
    let mut images = ImageServiceClient::new(channel.expect("it listens"));
    let spec = ImageSpec { image: image.to_owned(), ..Default::default() };
    let asked = images.image_status(ImageStatusRequest { image: Some(spec), verbose: false }).await;
    match asked.map(|answer| answer.into_inner().image) {
        Ok(Some(found)) => {
            let status = json!({ "id": found.id, "pinned": found.pinned, "repoTags": found.repo_tags });
            println!("{}", serde_json::to_string_pretty(&json!({ "info": {}, "status": status })).expect("JSON"));
            ExitCode::SUCCESS
        }
        Ok(None) => {
            eprintln!("FATA[0000] no such image \"{image}\" present");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("FATA[0000] rpc error: code = {:?} desc = {}", error.code(), error.message());
            ExitCode::FAILURE
        }
    }
}
